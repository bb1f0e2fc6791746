//! Logins: claim an authorization, exchange the code, take the tokens.

use super::{
    change::{ChangeHandler, Step},
    jobs::{ChangeStage, Claim},
};
use crate::{
    action::{Action, Failure, Queue},
    input::Answer,
    mutation::{Mutation, broken},
    operation::{Candidate, ChangeId},
    payload::Payload,
    record::{Attempt, Live, Login},
};

impl<T: Payload> ChangeHandler<'_, '_, T> {
    /// Claims a login, and sends its code once the claim is in the store.
    pub(super) fn advance_login(
        &mut self,
        change: ChangeId,
        claim: Option<(Login, Claim)>,
        failed: bool,
    ) -> Step<T> {
        let known = self.0.state.known.clone();
        if let Some((login, claim)) = claim {
            if known
                .as_ref()
                .is_some_and(|known| known.login == Some(login))
            {
                return self.send_code(change, login, claim);
            }
            let seen = self.0.store_failed();
            if seen && self.0.gives_up() {
                return Step::Finish(Err(Failure::Store));
            }
            let overtaken =
                known.is_some_and(|known| known.highest_number() >= login.authorization.number);
            if !overtaken && self.pending_revocation(failed).is_none() {
                // A conflict shows that the claim is not in the store; the next write restarts the
                // lease.
                let since = claim.since.filter(|_| !self.0.conflict);
                return Step::Continue(ChangeStage::Login(Some((login, Claim { since, ..claim }))));
            }
        }
        match self.pending_revocation(failed) {
            Some(Err(failure)) => return Step::Finish(Err(failure)),
            Some(Ok(())) => return Step::Continue(ChangeStage::Login(None)),
            None => {}
        }
        let Some(id) = self.0.fresh_id.take() else {
            return Step::Continue(ChangeStage::Login(None));
        };
        let login = Login {
            authorization: self.new_authorization(id),
            attempt: Attempt::new(id, 0, self.0.cx.rules),
        };
        Step::Continue(ChangeStage::Login(Some((login, Claim { id, since: None }))))
    }

    /// Sends the code of a login that is in the store, if its lease has room.
    fn send_code(&mut self, id: ChangeId, login: Login, claim: Claim) -> Step<T> {
        let late = !self.0.cx.rules.may_send(claim.age(self.0.cx));
        if late && !broken(Mutation::SendsTooLate) {
            self.withdraw_login(login);
            return Step::Finish(Err(Failure::TooLate));
        }
        self.0.act(Action::Send {
            candidate: Candidate::Login(id),
            payload: None,
        });
        Step::Continue(ChangeStage::Exchanging(login))
    }

    /// Handles the end of a code exchange.
    pub(super) fn handle_answered(&mut self, id: ChangeId, answer: Answer<T>) {
        let activity = self.0.activity();
        let Some(at) = activity.changes.iter().position(|change| change.id == id) else {
            return;
        };
        let ChangeStage::Exchanging(login) = activity.changes[at].stage else {
            return;
        };
        if let Answer::Tokens(payload) = answer {
            activity.changes[at].stage = ChangeStage::Settling {
                authorization: login.authorization,
                adopted: None,
                unsure: false,
                resolved: false,
            };
            self.0
                .merge_tokens(Live::first(login.authorization, payload));
            return;
        }
        activity.changes.remove(at);
        self.withdraw_login(login);
        self.0.resolve(Queue::Change(id), Err(Failure::Refused(id)));
    }

    fn withdraw_login(&mut self, login: Login) {
        let pending = self.0.state.known.as_ref().and_then(|known| known.login);
        if pending == Some(login) {
            self.0.edit(false, |record| record.login = None);
        }
    }
}
