//! Changes of the known record that the application is told of.

use super::{state::State, turn::Turn};
use crate::{
    action::Notice,
    payload::Payload,
    record::{Health, Live, TokenVersion},
};

/// The state that was last reported to the application: each change is reported once.
pub(super) struct Reported {
    token: Option<TokenVersion>,
    has_refresh_token: bool,
    ended: bool,
    forgotten: bool,
    health: Option<Health>,
}

impl Reported {
    pub(super) fn of<T: Payload>(state: &State<T>) -> Self {
        let live = state.known.as_ref().and_then(|known| known.live());
        Self {
            token: live.map(Live::token_version),
            has_refresh_token: live.is_some_and(|live| live.payload.has_refresh_token()),
            ended: state.known.as_ref().is_some_and(|known| known.is_ended()),
            forgotten: state
                .known
                .as_ref()
                .is_some_and(|known| known.is_forgotten()),
            health: live
                .filter(|live| live.refusal().is_none() || live.is_dead())
                .map(|live| live.health.clone()),
        }
    }

    pub(super) fn emit_changes<T: Payload>(self, turn: &mut Turn<'_, T>) {
        let now = Self::of(turn.state);
        if now.forgotten {
            if self.token.is_some() || self.ended && !self.forgotten {
                turn.emit(Notice::Forgotten);
            }
        } else if now.ended && !self.ended && self.token.is_some() {
            turn.emit(Notice::Disconnected);
        }
        if self.lost_refresh_token(&now) {
            turn.emit(Notice::NoRefreshToken);
        }
        if now.health == self.health {
            return;
        }
        match now.health {
            Some(Health::Dead(cause) | Health::Suspect(cause)) => {
                let reason = turn.failure_reason();
                turn.emit(Notice::Reauthorize(cause, reason));
            }
            Some(Health::Misconfigured(_))
                if !matches!(self.health, Some(Health::Misconfigured(_))) =>
            {
                let reason = turn.failure_reason();
                turn.emit(Notice::Misconfigured(reason));
            }
            _ => {}
        }
    }

    /// Returns whether a new login brought no refresh token although the one before had one.
    fn lost_refresh_token(&self, now: &Self) -> bool {
        let login = |token: Option<TokenVersion>| token.map(|token| token.authorization);
        now.token.is_some()
            && login(now.token) != login(self.token)
            && self.has_refresh_token
            && !now.has_refresh_token
    }
}
