//! Revoking the tokens of logins that have ended or were replaced.

use super::turn::Turn;
use crate::{
    Payload,
    action::{Action, Notice, Timer},
    context::millis,
    input::Revoked,
    mutation::{Mutation, broken},
    record::{Failures, State},
};

/// Drives revocations, one at a time.
pub(super) struct RevocationHandler<'t, 'a, T>(pub(super) &'t mut Turn<'a, T>);

impl<T: Payload> RevocationHandler<'_, '_, T> {
    /// Sends the next revocation, if one may be sent.
    pub(super) fn advance(&mut self) {
        let (rules, now) = (self.0.cx.rules, self.0.cx.now);
        let Some(known) = self
            .0
            .state
            .known
            .as_ref()
            .filter(|known| !known.revoke.is_empty())
        else {
            return;
        };
        let reaches_another = match &known.state {
            State::Ended(_) => false,
            State::Live(_) | State::Empty => !rules.revokes_alone,
        };
        if !rules.revokes || reaches_another && !broken(Mutation::RevokesOverALogin) {
            return;
        }
        let payload = known.revoke[0].clone();
        // What is to be revoked is in the store first, so that another process finishes it.
        if self.0.is_unwritten() || self.0.cx.closing {
            return;
        }
        let activity = self.0.activity();
        if activity.revoking.is_some() || now < activity.revoke_at {
            return;
        }
        activity.revoking = Some(payload.clone());
        self.0.act(Action::Revoke(payload));
    }

    /// A revocation ended.
    pub(super) fn revoked(&mut self, outcome: Revoked) {
        let Some(payload) = self.0.activity().revoking.take() else {
            return;
        };
        if outcome == Revoked::Done {
            self.0.activity().told_revocation = false;
            self.0.edit(false, |record| {
                record.revoke.retain(|listed| *listed != payload);
                record.revocation = Failures::default();
            });
            return;
        }
        let (rules, roll) = (self.0.cx.rules, self.0.cx.roll());
        let before = self.0.state.known.clone();
        let mut pause = rules.backoff_first;
        self.0.edit(false, |record| {
            let failures = &mut record.revocation;
            failures.count = failures.count.saturating_add(1);
            pause = rules.backoff(failures.count, rules.refusal_most, None, roll);
            failures.pause = millis(pause);
        });
        self.0.restart_pause(before.as_deref());
        let activity = self.0.activity();
        for change in &mut activity.changes {
            change.revocation_failed = true;
        }
        if !std::mem::replace(&mut activity.told_revocation, true) {
            self.0.emit(Notice::RevocationPending);
        }
        self.0.act(Action::WaitUntil(Timer::Revoke, pause));
    }

    /// A caller waits for the revocation: a pause is no reason to wait.
    pub(super) fn hurry(&mut self) {
        if let Some(activity) = self.0.state.activity.as_deref_mut() {
            activity.revoke_at = crate::EngineInstant(0);
        }
    }
}
