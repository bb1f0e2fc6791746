//! Revokes the tokens of logins that were disconnected or replaced.

use super::{
    jobs::{Change, ChangeStage},
    state::Revocation,
    turn::Turn,
};
use crate::{
    action::{Action, Notice},
    fact::Fact,
    input::Revoked,
    instant::{EngineInstant, WallMillis, millis},
    mutation::{Mutation, broken},
    operation::Timer,
    payload::Payload,
    record::{Failures, State},
    rules::Rules,
};

/// Drives the revocations of an account, one at a time.
pub(super) struct RevocationHandler<'t, 'a, T>(pub(super) &'t mut Turn<'a, T>);

impl<T: Payload> RevocationHandler<'_, '_, T> {
    /// Starts the next revocation, if one may be sent.
    pub(super) fn advance(&mut self) {
        let (rules, now, wall) = (self.0.cx.rules, self.0.cx.now, self.0.cx.wall);
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
        if !rules.revokes || reaches_another && !broken(Mutation::RevokesNewerLogin) {
            // A disconnect keeps its claim while its tombstone is being written.
            let disconnects =
                |change: &Change<T>| matches!(change.stage, ChangeStage::Disconnect(_));
            if let Some(activity) = self.0.state.activity.as_deref_mut()
                && matches!(activity.revocation, Revocation::Claiming(_))
                && !activity.changes.iter().any(disconnects)
            {
                activity.revocation = Revocation::None;
            }
            return;
        }
        let payload = known.revoke[0].clone();
        let noted = known.revocation;
        let (unwritten, closing) = (self.0.is_unwritten(), self.0.cx.closing);
        let activity = self.0.activity();
        if matches!(&activity.revocation, Revocation::Claiming(claim) if *claim != noted)
            && !unwritten
        {
            // Another process claimed it first.
            activity.revocation = Revocation::None;
        }
        match &activity.revocation {
            Revocation::InFlight(_) => {}
            // The tokens must be listed in the store first, so that another process can revoke
            // them.
            Revocation::Claiming(_) | Revocation::None if unwritten => {}
            Revocation::Claiming(_) => {
                activity.revocation = Revocation::InFlight(payload.clone());
                self.0.act(Action::Revoke(payload));
            }
            Revocation::None if closing => {}
            Revocation::None if now < activity.revoke_at => self.arm_timer(),
            Revocation::None => {
                let mut claim = revocation_claim(rules, wall);
                claim.count = noted.count.saturating_add(1);
                activity.revocation = Revocation::Claiming(claim);
                self.0.edit(false, |record| record.revocation = claim);
            }
        }
    }

    /// Arms the timer for the end of the pause, unless it is armed already.
    fn arm_timer(&mut self) {
        let now = self.0.cx.now;
        let activity = self.0.activity();
        if activity.revoke_timer != activity.revoke_at {
            activity.revoke_timer = activity.revoke_at;
            let pause = activity.revoke_at.since(now);
            self.0.act(Action::WaitUntil(Timer::Revoke, pause));
        }
    }

    /// Handles the timer. If the pause was prolonged meanwhile, [`advance`](Self::advance) arms it
    /// again.
    pub(super) fn handle_timer(&mut self) {
        if let Some(activity) = self.0.state.activity.as_deref_mut() {
            activity.revoke_timer = EngineInstant(0);
        }
    }

    /// Gives up a claim that was not written: another process may hold one, so this one waits for a
    /// lease.
    pub(super) fn yield_claim(&mut self) {
        let Some(activity) = self.0.state.activity.as_deref_mut() else {
            return;
        };
        if matches!(activity.revocation, Revocation::Claiming(_)) {
            activity.revocation = Revocation::None;
            activity.revoke_at = self.0.cx.now.after(self.0.cx.rules.lease);
        }
    }

    /// Handles the end of a revocation.
    pub(super) fn handle_revoked(&mut self, outcome: Revoked) {
        let activity = self.0.activity();
        let Revocation::InFlight(payload) =
            std::mem::replace(&mut activity.revocation, Revocation::None)
        else {
            return;
        };
        let number = self
            .0
            .state
            .known
            .as_ref()
            .map_or(0, |known| known.number());
        if outcome == Revoked::Done {
            self.0.audit(Fact::Revoked { number });
            let activity = self.0.activity();
            activity.reported_revocation = false;
            activity.revoked = Some(payload.clone());
            activity.revoke_at = EngineInstant(0);
            self.0.edit(false, |record| {
                record.revoke.retain(|listed| *listed != payload);
                record.revocation = Failures::default();
            });
            return;
        }
        let (rules, roll) = (self.0.cx.rules, self.0.cx.roll());
        let count = self
            .0
            .state
            .known
            .as_ref()
            .map_or(1, |known| known.revocation.count);
        let pause = rules.backoff(count, rules.refusal_most, None, roll);
        let wall = self.0.cx.wall;
        self.0.edit(false, |record| {
            record.revocation.pause = millis(pause);
            record.revocation.noted = wall;
            if outcome == Revoked::Refused && record.revoke.first() == Some(&payload) {
                // Tokens that are refused for good must not hold up the others.
                record.revoke.rotate_left(1);
            }
        });
        let revoke_at = self.0.cx.now.after(pause);
        let activity = self.0.activity();
        activity.revoke_at = revoke_at;
        for change in &mut activity.changes {
            change.revocation_failed = true;
        }
        if !std::mem::replace(&mut activity.reported_revocation, true) {
            self.0.emit(Notice::RevocationPending(outcome));
            self.0.audit(Fact::RevocationFailed { number });
        }
    }

    /// Ends the pause, since a caller waits for the revocation.
    pub(super) fn skip_pause(&mut self) {
        if let Some(activity) = self.0.state.activity.as_deref_mut() {
            activity.revoke_at = EngineInstant(0);
        }
    }
}

/// Returns a claim on a revocation: other processes leave it to this one for a lease.
pub(super) fn revocation_claim(rules: &Rules, wall: WallMillis) -> Failures {
    Failures {
        count: 1,
        pause: millis(rules.lease),
        noted: wall,
        ..Failures::default()
    }
}
