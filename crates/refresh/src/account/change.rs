//! Changes of who is connected: logins, adoptions and disconnects.

use super::{
    jobs::{Change, ChangeStage, Claim},
    turn::Turn,
};
use crate::{
    action::{Action, Failure, Notice, Queue},
    id::Id,
    input::Answer,
    mutation::{Mutation, broken},
    operation::{Candidate, ChangeId},
    payload::Payload,
    record::{Attempt, Authorization, Live, Login},
};

/// Drives the changes in flight.
pub(super) struct ChangeHandler<'t, 'a, T>(pub(super) &'t mut Turn<'a, T>);

impl<T: Payload> ChangeHandler<'_, '_, T> {
    pub(super) fn start(&mut self, id: ChangeId, stage: ChangeStage<T>) {
        let known = self.0.state.known.as_ref();
        let check = match &stage {
            // A tombstone in memory does not show that the store still has it.
            ChangeStage::Disconnect(_) => known.is_none_or(|known| known.live().is_none()),
            _ => known.is_none(),
        };
        let stage = match stage {
            ChangeStage::Disconnect(None) => {
                ChangeStage::Disconnect(known.and_then(|known| Some(known.live()?.authorization)))
            }
            stage => stage,
        };
        self.0.activity().changes.push(Change {
            id,
            check,
            revocation_failed: false,
            stage,
        });
    }

    /// Takes each change as far as what is known allows.
    pub(super) fn advance(&mut self) {
        let mut at = 0;
        while let Some(change) = self.0.active().and_then(|a| a.changes.get(at)) {
            let (id, change) = (change.id, change.clone());
            match self.step(change.clone()) {
                Step::Continue(stage) => {
                    // Another stage may be over at once.
                    let same = stage == change.stage;
                    if let Some(change) = self.0.activity().changes.get_mut(at) {
                        change.stage = stage;
                    }
                    at += usize::from(same);
                }
                Step::Finish(result) => {
                    self.0.activity().changes.remove(at);
                    self.0.resolve(Queue::Change(id), result);
                }
            }
        }
    }

    fn step(&mut self, change: Change<T>) -> Step<T> {
        let failed = self.0.store_failed();
        if change.check {
            return if failed {
                Step::Finish(Err(Failure::Store))
            } else {
                Step::Continue(change.stage)
            };
        }
        match change.stage {
            ChangeStage::Login(claim) => {
                self.advance_login(change.id, claim, change.revocation_failed)
            }
            ChangeStage::Exchanging(login) => Step::Continue(ChangeStage::Exchanging(login)),
            ChangeStage::Adopt(payload) => {
                match self.pending_revocation(change.revocation_failed) {
                    Some(Err(failure)) => Step::Finish(Err(failure)),
                    Some(Ok(())) => Step::Continue(ChangeStage::Adopt(payload)),
                    None => self.adopt(payload),
                }
            }
            ChangeStage::Settling {
                authorization,
                adopted,
                unsure,
                resolved,
            } => self.settle(change.id, authorization, adopted, unsure, resolved),
            ChangeStage::Disconnect(target) => self.disconnect(target, change.revocation_failed),
            ChangeStage::Revoking => self.await_revocation(change.revocation_failed),
        }
    }

    /// Whether an earlier disconnect must be finished first, because its revocation would end the
    /// new login too.
    fn pending_revocation(&self, failed: bool) -> Option<Result<(), Failure>> {
        let rules = self.0.cx.rules;
        let known = self.0.state.known.as_ref()?;
        let pending = known.is_ended() && !known.revoke.is_empty();
        let waits = pending && rules.revokes && !rules.revokes_alone;
        waits.then_some(if self.0.cx.closing {
            Err(Failure::Closing)
        } else if self.is_parked() {
            Err(Failure::Store)
        } else if failed {
            Err(Failure::RevocationPending)
        } else {
            Ok(())
        })
    }

    fn new_authorization(&self, id: Id) -> Authorization {
        let seen = self
            .0
            .state
            .known
            .as_ref()
            .map_or(0, |known| known.highest_number());
        Authorization {
            number: (seen + 1).max(self.0.cx.wall),
            id,
        }
    }

    fn advance_login(
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
                // A conflict shows that it is not in the store; the next write takes the lease
                // again.
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

    /// The login in flight is in the store.
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

    fn withdraw_login(&mut self, login: Login) {
        let pending = self.0.state.known.as_ref().and_then(|known| known.login);
        if pending == Some(login) {
            self.0.edit(false, |record| record.login = None);
        }
    }

    /// The token endpoint answered a code, or nothing came.
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

    fn adopt(&mut self, payload: T) -> Step<T> {
        let Some(id) = self.0.fresh_id.take() else {
            return Step::Continue(ChangeStage::Adopt(payload));
        };
        let authorization = self.new_authorization(id);
        self.0
            .merge_tokens(Live::first(authorization, payload.clone()));
        Step::Continue(ChangeStage::Settling {
            authorization,
            adopted: Some(payload),
            unsure: false,
            resolved: false,
        })
    }

    /// The tokens of a login are written, or have met something else.
    fn settle(
        &mut self,
        id: ChangeId,
        authorization: Authorization,
        adopted: Option<T>,
        unsure: bool,
        resolved: bool,
    ) -> Step<T> {
        let known = self.0.state.known.as_ref();
        let current = known.and_then(|known| known.authorization());
        if current != Some(authorization) {
            // Once the caller was told that they are taken, they are no longer the application's.
            let adopted = adopted.filter(|_| !resolved);
            let yields = unsure || self.is_own_change(current);
            if let Some(payload) = adopted.clone().filter(|_| !yields) {
                // What the application brings is newest now, whatever was written meanwhile.
                self.0.edit(true, |record| {
                    record.revoke.retain(|listed| *listed != payload);
                });
                return self.adopt(payload);
            }
            if let Some(payload) = adopted {
                self.0.edit(false, |record| {
                    record.revoke.retain(|listed| *listed != payload);
                });
            }
            self.0.emit(Notice::Superseded);
            return Step::Finish(Err(Failure::Superseded));
        }
        let activity = self.0.activity();
        let written = activity.has_settled();
        let behind = activity.behind;
        if !written {
            if behind && !resolved {
                // They are served from memory.
                self.0.resolve(Queue::Change(id), Ok(()));
            }
            return Step::Continue(ChangeStage::Settling {
                authorization,
                adopted,
                unsure,
                resolved: resolved || behind,
            });
        }
        activity.rejections = None;
        activity.reported_refused = false;
        if self.0.live().is_none() {
            // It was written, and disconnected since.
            self.0.emit(Notice::Superseded);
            return Step::Finish(Err(Failure::Superseded));
        }
        self.0.emit(Notice::Connected);
        Step::Finish(Ok(()))
    }

    /// Whether the tokens of this authorization came by a later change of this process.
    fn is_own_change(&self, current: Option<Authorization>) -> bool {
        let changes = self.0.active().map(|activity| activity.changes.iter());
        changes.into_iter().flatten().any(|change| {
            matches!(change.stage, ChangeStage::Settling { authorization, .. } if Some(authorization) == current)
        })
    }

    fn disconnect(&mut self, target: Option<Authorization>, failed: bool) -> Step<T> {
        let known = self.0.state.known.as_ref();
        let Some(authorization) = known.and_then(|known| known.authorization()) else {
            return Step::Finish(Err(Failure::NotConnected));
        };
        if self.0.live().is_none() {
            return if self.0.is_critical() {
                Step::Continue(ChangeStage::Disconnect(target))
            } else {
                self.await_revocation(failed)
            };
        }
        if target.is_some_and(|target| authorization.number > target.number) {
            return Step::Finish(Err(Failure::Superseded));
        }
        let store_failed = self.0.store_failed();
        if store_failed && self.0.gives_up() {
            return Step::Finish(Err(Failure::Store));
        }
        Step::Continue(ChangeStage::Disconnect(Some(authorization)))
    }

    fn await_revocation(&mut self, failed: bool) -> Step<T> {
        let known = self.0.state.known.as_ref();
        let pending = known.is_some_and(|known| known.is_ended() && !known.revoke.is_empty());
        let goes_on = !failed && !self.0.cx.closing && !self.is_parked();
        let waits = pending && self.0.cx.rules.revokes && goes_on;
        let writes = self.0.active().is_some_and(|activity| {
            activity.unwritten && !activity.parked && activity.write_failures == 0
        });
        if waits || writes {
            return Step::Continue(ChangeStage::Revoking);
        }
        Step::Finish(Ok(()))
    }

    /// What a revocation left is not written for now, and no other begins before it is.
    fn is_parked(&self) -> bool {
        self.0.active().is_some_and(|activity| activity.parked)
    }
}

enum Step<T> {
    Continue(ChangeStage<T>),
    Finish(Result<(), Failure>),
}
