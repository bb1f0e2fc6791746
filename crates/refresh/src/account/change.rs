//! Changes of an account's authorization: logins, adoptions and disconnects.

use tokenkeeper_store::Version;

use super::{
    device::Polls,
    jobs::{Change, ChangeStage},
    turn::Turn,
};
use crate::{
    action::{Failure, Notice, Queue},
    fact::Fact,
    id::Id,
    operation::ChangeId,
    payload::Payload,
    record::{Authorization, Live},
    rules::TRIES,
};

/// Drives the changes in flight.
pub(super) struct ChangeHandler<'t, 'a, T>(pub(super) &'t mut Turn<'a, T>);

impl<T: Payload> ChangeHandler<'_, '_, T> {
    /// Starts a change. `polls`: those of a login by device code.
    pub(super) fn start(&mut self, id: ChangeId, stage: ChangeStage<T>, polls: Option<Polls>) {
        let known = self.0.state.known.as_ref();
        let check = match &stage {
            // A tombstone in memory does not prove that the store still has it.
            ChangeStage::Disconnect(_) | ChangeStage::Forget { .. } => {
                known.is_none_or(|known| known.live().is_none())
            }
            _ => known.is_none(),
        };
        let live = known.and_then(|known| Some(known.live()?.authorization));
        let stage = match stage {
            ChangeStage::Disconnect(None) => ChangeStage::Disconnect(live),
            ChangeStage::Forget { .. } => ChangeStage::Forget { target: live },
            stage => stage,
        };
        self.0.activity().changes.push(Change {
            id,
            check,
            revocation_failed: false,
            unreadable: None,
            landed: false,
            polls,
            stage,
        });
    }

    /// Advances each change as far as possible.
    pub(super) fn advance(&mut self) {
        let mut at = 0;
        while let Some(change) = self.0.active().and_then(|a| a.changes.get(at)) {
            let change = change.clone();
            match self.step(change.clone()) {
                Step::Continue(stage) => {
                    // The next stage may be finished already.
                    let same = stage == change.stage;
                    if matches!(stage, ChangeStage::Revoking) && !same {
                        self.record(&change, Ok(()));
                    }
                    if let Some(change) = self.0.activity().changes.get_mut(at) {
                        change.stage = stage;
                    }
                    at += usize::from(same);
                }
                Step::Finish(result) => {
                    self.0.activity().changes.remove(at);
                    self.finish(&change, result);
                }
            }
        }
    }

    /// Records the end of a change, and wakes its caller.
    pub(super) fn finish(&mut self, change: &Change<T>, result: Result<(), Failure>) {
        // The fact of a disconnect is its tombstone, which comes before its revocation.
        if !matches!(change.stage, ChangeStage::Revoking) {
            self.record(change, result.clone());
        }
        self.0.resolve(Queue::Change(change.id), result);
    }

    fn record(&mut self, change: &Change<T>, result: Result<(), Failure>) {
        let fact = change.ended(result);
        self.0.audit(Fact::Changed(fact));
    }

    /// Advances one change by one stage.
    fn step(&mut self, change: Change<T>) -> Step<T> {
        if change.polls.is_some_and(|polls| polls.abandoned)
            && let Some(step) = self.end_abandoned(&change.stage)
        {
            return step;
        }
        let failed = self.0.store_failed();
        if change.check {
            return if failed {
                Step::Finish(Err(Failure::Store))
            } else {
                Step::Continue(change.stage)
            };
        }
        match change.stage {
            ChangeStage::Login { flow, lapsed, .. } if change.unreadable.is_some() => {
                self.claim_flow(change.id, flow, lapsed, change.revocation_failed)
            }
            ChangeStage::Login {
                flow,
                claim,
                lapsed,
            } => {
                let step = self.advance_login(change.id, flow, claim, lapsed);
                let (failed, device) = (change.revocation_failed, change.polls.is_some());
                step.unwrap_or_else(|| self.claim_login(flow, lapsed, failed, device))
            }
            ChangeStage::Waiting {
                flow,
                login,
                due,
                renew,
            } => self.wait_for_poll(change.id, flow, login, due, renew),
            ChangeStage::WatchingLogin { flow, watch } => self.watch_login(flow, watch),
            ChangeStage::ClaimingFlow { .. } | ChangeStage::Exchanging { .. } => {
                Step::Continue(change.stage)
            }
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
            ChangeStage::Forget { target } => self.forget(target, change.unreadable),
        }
    }

    /// Returns whether a login must wait (`Ok`) or fail (`Err`) because of an earlier disconnect
    /// whose revocation would end the new login too.
    pub(super) fn pending_revocation(&self, failed: bool) -> Option<Result<(), Failure>> {
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

    /// Returns an authorization that is newer than every one known.
    pub(super) fn new_authorization(&self, id: Id) -> Authorization {
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

    /// Takes over the application's tokens as a new authorization.
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

    /// Finishes a login or an adoption once its tokens are written or have lost to another record.
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
            // Once the caller knows that they were taken over, the application no longer owns them.
            let adopted = adopted.filter(|_| !resolved);
            let yields = unsure || self.is_own_change(current);
            if let Some(payload) = adopted.clone().filter(|_| !yields) {
                // The application's tokens are the newest, even if another record was written
                // meanwhile.
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
                // The tokens are served from memory.
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
            // The tokens were written, and the account was disconnected since.
            self.0.emit(Notice::Superseded);
            return Step::Finish(Err(Failure::Superseded));
        }
        self.0.emit(Notice::Connected);
        Step::Finish(Ok(()))
    }

    /// Returns whether another change of this process made the current authorization.
    fn is_own_change(&self, current: Option<Authorization>) -> bool {
        let changes = self.0.active().map(|activity| activity.changes.iter());
        changes.into_iter().flatten().any(|change| {
            matches!(
                change.stage,
                ChangeStage::Settling { authorization, .. } if Some(authorization) == current
            )
        })
    }

    /// Waits until the tombstone is written.
    fn disconnect(&mut self, target: Option<Authorization>, failed: bool) -> Step<T> {
        let known = self.0.state.known.as_ref();
        let Some(authorization) = known.and_then(|known| known.authorization()) else {
            return Step::Finish(Err(Failure::NotConnected));
        };
        if known.is_some_and(|known| known.is_forgotten()) {
            return Step::Finish(Err(Failure::NotConnected));
        }
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

    /// Waits until the mark of a forgotten account is written.
    fn forget(&mut self, target: Option<Authorization>, unreadable: Option<Version>) -> Step<T> {
        let known = self.0.state.known.as_ref();
        let written = !self.0.is_unwritten();
        match known {
            None if unreadable.is_none() => return Step::Finish(Ok(())),
            Some(known) if known.is_forgotten() && written => return Step::Finish(Ok(())),
            _ => {}
        }
        let number = known.map_or(0, |known| known.number());
        if target.is_some_and(|target| number > target.number) {
            return Step::Finish(Err(Failure::Superseded));
        }
        let failures = self
            .0
            .active()
            .map_or(0, |activity| activity.write_failures);
        if self.0.store_failed() && failures >= TRIES {
            return Step::Finish(Err(Failure::Store));
        }
        let newest = known.and_then(|known| known.authorization());
        let target = target.or(newest.filter(|_| unreadable.is_none()));
        Step::Continue(ChangeStage::Forget { target })
    }

    /// Notes that the stored record cannot be read. It stops no account from being forgotten, and
    /// no tokens of a login from being written.
    pub(super) fn note_unreadable(&mut self, version: Version) {
        for change in &mut self.0.activity().changes {
            // Polls need a record that shows their claim for minutes.
            let settles = matches!(change.stage, ChangeStage::Settling { .. });
            let polls = change.polls.is_some() && !settles;
            if change.stage.may_replace() && !change.landed && !polls {
                change.unreadable = Some(version);
                change.check = false;
            }
        }
    }

    /// Waits until the tokens of a disconnected login are revoked, or cannot be for now.
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

    /// Returns whether the last write is parked: no revocation begins before it has landed.
    fn is_parked(&self) -> bool {
        self.0.active().is_some_and(|activity| activity.parked)
    }
}

/// What a step of a change leads to.
pub(super) enum Step<T> {
    /// The change goes on in this stage.
    Continue(ChangeStage<T>),
    /// The change ends with this result.
    Finish(Result<(), Failure>),
}
