//! Why a refresh token must not be presented now, or cannot be at all.

use std::time::Duration;

use super::{jobs::Urgency, turn::Turn};
use crate::{
    action::Failure,
    instant::EngineInstant,
    mutation::{Mutation, broken},
    payload::Payload,
    record::{self, Health, Live, Record},
    rules::TRIES,
};

impl<T: Payload> Turn<'_, T> {
    /// Returns why the refresh token of `live` must not be presented now, if it must not.
    pub(super) fn obstacle(&self, live: &Live<T>, urgency: Urgency) -> Option<Failure> {
        if let Some(failure) = lasting_obstacle(live) {
            return Some(failure);
        }
        let retry_at = self.active().map_or(EngineInstant(0), |a| a.retry_at);
        if retry_at <= self.cx.now {
            return None;
        }
        if live.failures.firm && !broken(Mutation::TimeoutPauseShortened) {
            return Some(Failure::Backoff(retry_at.since(self.cx.now)));
        }
        if urgency == Urgency::Listed {
            return None;
        }
        let forced = urgency == Urgency::Forced;
        let refused = live.failures.refused_since.is_some();
        match &live.health {
            Health::Misconfigured(configurations) => {
                let tried = configurations.contains(&self.cx.rules.configuration);
                (tried && !forced).then_some(Failure::Misconfigured)
            }
            _ if forced && refused => None,
            Health::Suspect(cause) => Some(Failure::Reauthorize(cause.clone())),
            Health::Alive | Health::Dead(_) => Some(Failure::Backoff(retry_at.since(self.cx.now))),
        }
    }

    /// Returns whether a claim has failed often enough: several times, or once if the store has
    /// been failing for a while.
    pub(super) fn gives_up(&self) -> bool {
        self.active().is_some_and(|activity| {
            let failures = activity.trouble.map_or(0, |trouble| trouble.failures);
            activity.write_failures >= TRIES || failures > TRIES.into()
        })
    }

    /// Returns the failure for an account without tokens.
    pub(super) fn without_tokens(&self) -> Failure {
        match &self.state.known {
            Some(known) if known.is_ended() && !known.is_forgotten() => Failure::Disconnected,
            _ => Failure::NotConnected,
        }
    }

    /// Starts the pauses of the known record's failures, unless they are running already.
    pub(super) fn restart_pause(&mut self, before: Option<&Record<T>>) {
        let Some(known) = self.state.known.clone() else {
            return;
        };
        let (now, wall) = (self.cx.now, self.cx.wall);
        let left = known.live().map(|live| live.failures.left(wall));
        let pause = left.unwrap_or_default();
        let counted = before.and_then(Record::live).zip(known.live());
        let counted = counted.is_some_and(|(before, live)| {
            before.token_version() == live.token_version() && before.failures == live.failures
        });
        if !counted && (!pause.is_zero() || self.state.activity.is_some()) {
            self.activity().retry_at = end_of(pause, now);
        }
        let counted = before.is_some_and(|before| before.revocation == known.revocation);
        let pause = known.revocation.left(wall);
        if !counted && (!pause.is_zero() || self.state.activity.is_some()) {
            self.activity().revoke_at = end_of(pause, now);
        }
    }
}

/// Returns why the refresh token of `live` can never be presented again, if it cannot.
pub(super) fn lasting_obstacle<T: Payload>(live: &Live<T>) -> Option<Failure> {
    if let Some(cause) = live.refusal().filter(|_| live.is_dead()) {
        return Some(Failure::Reauthorize(cause.clone()));
    }
    if !live.payload.has_refresh_token() {
        return Some(Failure::Reauthorize(record::Cause::NoRefreshToken));
    }
    None
}

/// Returns when a pause ends; 0: there is none.
fn end_of(pause: Duration, now: EngineInstant) -> EngineInstant {
    if pause.is_zero() {
        EngineInstant(0)
    } else {
        now.after(pause)
    }
}
