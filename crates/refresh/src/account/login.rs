//! Logins: claim an authorization, exchange the code, take the tokens.

use tokenkeeper_store::Version;

use super::{
    change::{ChangeHandler, Step},
    jobs::{ChangeStage, Claim},
    watch::{Observation, Watch},
};
use crate::{
    action::{Action, Failure},
    id::Id,
    input::{Answer, Outcome},
    mutation::{Mutation, broken},
    operation::{Candidate, ChangeId},
    payload::Payload,
    record::{Attempt, Flow, Live, Login},
};

impl<T: Payload> ChangeHandler<'_, '_, T> {
    /// Advances a login whose code has not been sent. `None`: it must claim the exchange first.
    pub(super) fn advance_login(
        &mut self,
        id: ChangeId,
        flow: Flow,
        claim: Option<(Login, Claim)>,
        lapsed: Option<Version>,
    ) -> Option<Step<T>> {
        let pending = self.0.state.known.as_ref().and_then(|known| known.login);
        let mut changes = self.0.active()?.changes.iter();
        let polled = changes.any(|change| change.id == id && change.polls.is_some());
        if let Some((login, claim)) = claim.filter(|(login, _)| pending == Some(*login)) {
            if polled {
                return Some(self.begin_polls(id, flow, login, claim));
            }
            return Some(self.send_code(id, flow, login, claim));
        }
        if let Some(step) = self.earlier_use(id, flow, lapsed) {
            return Some(step);
        }
        let (login, mut claim) = claim?;
        if self.0.store_failed() && self.0.gives_up() {
            return Some(Step::Finish(Err(Failure::Store)));
        }
        let known = self.0.state.known.as_ref();
        let overtaken =
            known.is_some_and(|known| known.highest_number() >= login.authorization.number);
        if overtaken || self.pending_revocation(false).is_some() {
            return None;
        }
        if self.0.conflict {
            // A conflict shows that the claim is not in the store; the next write restarts the
            // lease.
            claim.since = None;
        }
        let claim = Some((login, claim));
        Some(Step::Continue(ChangeStage::Login {
            flow,
            claim,
            lapsed,
        }))
    }

    /// Returns where a login leads whose flow was used before, here or in another process: to the
    /// result of that use.
    fn earlier_use(
        &mut self,
        id: ChangeId,
        flow: Flow,
        lapsed: Option<Version>,
    ) -> Option<Step<T>> {
        if broken(Mutation::FlowUsedTwice) {
            return None;
        }
        let changes = self.0.active()?.changes.iter();
        let mut earlier = changes.take_while(|change| change.id != id);
        if let Some(earlier) = earlier.find(|change| change.flow() == Some(flow.id)) {
            let served = matches!(earlier.stage, ChangeStage::Settling { resolved: true, .. });
            return Some(if served {
                Step::Finish(Ok(()))
            } else {
                unclaimed(flow)
            });
        }
        let known = self.0.state.known.clone()?;
        if known.authorization().is_some_and(|a| a.id == flow.id) {
            return Some(Step::Finish(match known.live() {
                Some(_) => Ok(()),
                None => Err(Failure::Superseded),
            }));
        }
        if known.has_used(flow.id) {
            return Some(Step::Finish(Err(Failure::FlowUsed)));
        }
        let login = known.login.filter(|l| l.authorization.id == flow.id)?;
        let version = self.0.state.base.filter(|base| Some(*base) != lapsed)?;
        if login.attempt.holder == self.0.cx.rules.holder {
            return None;
        }
        let watch = self.0.watch(&login.attempt, version);
        Some(Step::Continue(ChangeStage::WatchingLogin { flow, watch }))
    }

    /// Handles what the last read shows about another process's exchange of the same code.
    pub(super) fn watch_login(&mut self, flow: Flow, mut watch: Watch) -> Step<T> {
        if self.0.cx.closing {
            return Step::Finish(Err(Failure::Closing));
        }
        let Some(observed) = self.0.observed else {
            return Step::Continue(ChangeStage::WatchingLogin { flow, watch });
        };
        let observation = watch.observe(observed, self.0.cx.monotonic, self.0.cx.rules);
        match observation {
            Observation::Unchanged => {
                self.0.arm_poll_timer();
                Step::Continue(ChangeStage::WatchingLogin { flow, watch })
            }
            Observation::Changed => unclaimed(flow),
            Observation::Lapsed => Step::Continue(ChangeStage::Login {
                flow,
                claim: None,
                lapsed: self.0.state.base,
            }),
        }
    }

    /// Claims the exchange of a code, or of a device code: the next write records it.
    pub(super) fn claim_login(
        &mut self,
        flow: Flow,
        lapsed: Option<Version>,
        failed: bool,
        device: bool,
    ) -> Step<T> {
        match self.pending_revocation(failed) {
            Some(Err(failure)) => return Step::Finish(Err(failure)),
            Some(Ok(())) => return unclaimed(flow),
            None => {}
        }
        let Some(id) = self.0.fresh_id.take() else {
            return Step::Continue(ChangeStage::Login {
                flow,
                claim: None,
                lapsed,
            });
        };
        let rules = self.0.cx.rules;
        let attempt = match device {
            true => Attempt::of_device(id, rules),
            false => Attempt::new(id, 0, rules),
        };
        let login = Login {
            authorization: self.new_authorization(flow.id),
            attempt,
            ends: flow.ends,
            device,
        };
        let claim = Some((login, Claim { id, since: None }));
        Step::Continue(ChangeStage::Login {
            flow,
            claim,
            lapsed,
        })
    }

    /// Claims the code of a login while the account's record cannot be read. The record stays until
    /// tokens have come, so the claim is written elsewhere; no other process takes it over.
    pub(super) fn claim_flow(
        &mut self,
        id: ChangeId,
        flow: Flow,
        lapsed: Option<Version>,
        failed: bool,
    ) -> Step<T> {
        match self.earlier_use(id, flow, lapsed) {
            // Its process cannot be watched.
            Some(Step::Continue(ChangeStage::WatchingLogin { .. })) => {
                return Step::Finish(Err(Failure::Store));
            }
            Some(step) => return step,
            None => {}
        }
        let step = self.claim_login(flow, lapsed, failed, false);
        let Step::Continue(ChangeStage::Login {
            claim: Some((login, _)),
            ..
        }) = step
        else {
            return step;
        };
        if broken(Mutation::UnclaimedCode) {
            return self.send_claimed(id, flow, login);
        }
        Step::Continue(ChangeStage::ClaimingFlow { flow, login })
    }

    /// Handles the outcome of a claim under the flow's key.
    pub(super) fn handle_flow_claimed(&mut self, claimed: Id, outcome: &Outcome<T>) {
        let gives_up = self.0.gives_up();
        let changes = &mut self.0.activity().changes;
        let Some((at, id, flow, login)) =
            changes
                .iter()
                .enumerate()
                .find_map(|(at, change)| match change.stage {
                    ChangeStage::ClaimingFlow { flow, login } if flow.id == claimed => {
                        Some((at, change.id, flow, login))
                    }
                    _ => None,
                })
        else {
            return;
        };
        let ours = match outcome {
            Outcome::Applied => true,
            // An earlier write that was not confirmed.
            Outcome::Conflict(Some((_, there))) => there
                .login
                .is_some_and(|there| there.attempt.id == login.attempt.id),
            Outcome::Conflict(None) => false,
            Outcome::Unreadable(_) | Outcome::Failed if gives_up => {
                let change = changes.remove(at);
                return self.finish(&change, Err(Failure::Store));
            }
            Outcome::Unreadable(_) | Outcome::Failed => return,
        };
        if !ours {
            let change = changes.remove(at);
            return self.finish(&change, Err(Failure::FlowUsed));
        }
        if let Step::Continue(stage) = self.send_claimed(id, flow, login) {
            self.0.activity().changes[at].stage = stage;
        }
    }

    /// Sends the code of a login that is claimed for good.
    fn send_claimed(&mut self, id: ChangeId, flow: Flow, login: Login) -> Step<T> {
        self.0.act(Action::Send {
            candidate: Candidate::Login(id),
            payload: None,
        });
        let renew = false;
        Step::Continue(ChangeStage::Exchanging { flow, login, renew })
    }

    /// Sends the code of a login that is in the store, if its lease has room.
    fn send_code(&mut self, id: ChangeId, flow: Flow, login: Login, claim: Claim) -> Step<T> {
        let rules = self.0.cx.rules;
        let age = claim.age(self.0.cx);
        if !rules.may_send(age) && !broken(Mutation::SendsTooLate) {
            self.withdraw_login(login, None);
            return Step::Finish(Err(Failure::TooLate));
        }
        self.0.act(Action::Send {
            candidate: Candidate::Login(id),
            payload: None,
        });
        let renew = self.0.arm_renewal(age);
        Step::Continue(ChangeStage::Exchanging { flow, login, renew })
    }

    /// Handles the end of a code exchange.
    pub(super) fn handle_answered(&mut self, id: ChangeId, answer: Answer<T>) {
        let activity = self.0.activity();
        let Some(at) = activity.changes.iter().position(|change| change.id == id) else {
            return;
        };
        let ChangeStage::Exchanging { flow, login, .. } = activity.changes[at].stage else {
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
            self.0.edit(true, |record| record.use_flow(flow));
            return;
        }
        if self.poll_again(at, &answer) {
            return;
        }
        let change = self.0.activity().changes.remove(at);
        let polled = change.polls.is_some();
        if polled && matches!(&answer, Answer::Terminal { code: Some(code) } if code == EXPIRED) {
            self.withdraw_login(login, Some(flow));
            return self.finish(&change, Err(Failure::FlowExpired));
        }
        // A code that no server has judged can be sent again.
        let judged = !matches!(
            answer,
            Answer::Configuration
                | Answer::Pending { .. }
                | Answer::Transient {
                    may_have_redeemed: false,
                    ..
                }
        );
        let judged = judged && !(polled && matches!(answer, Answer::Unexplained));
        if change.unreadable.is_none() {
            self.withdraw_login(login, Some(flow).filter(|_| judged));
        }
        self.finish(&change, Err(Failure::Refused(id)));
    }

    /// Removes a login from the record, and records that its flow was used, if it was.
    pub(super) fn withdraw_login(&mut self, login: Login, used: Option<Flow>) {
        let used = used.filter(|_| !broken(Mutation::RefusedFlowForgotten));
        let pending = self.0.state.known.as_ref().and_then(|known| known.login);
        if pending != Some(login) && used.is_none() {
            return;
        }
        self.0.edit(used.is_some(), |record| {
            record.login.take_if(|pending| *pending == login);
            if let Some(flow) = used {
                record.use_flow(flow);
            }
        });
    }
}

/// The error code of a device code that has expired (RFC 8628 §3.5).
const EXPIRED: &str = "expired_token";

/// Returns the step to a login that claims nothing yet.
pub(super) fn unclaimed<T>(flow: Flow) -> Step<T> {
    let (claim, lapsed) = (None, None);
    Step::Continue(ChangeStage::Login {
        flow,
        claim,
        lapsed,
    })
}
