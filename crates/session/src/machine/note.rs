//! What failures leave in a record, and what they forbid.

use super::{Answer, Context, Failure, Rules, millis};
use crate::{
    record::{Cause, DAY, Health, Live, Tokens, WallMillis},
    source::Stamp,
};

impl<T: Tokens> Live<T> {
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp {
            authorization: self.authorization.number,
            generation: self.generation,
        }
    }

    /// What forbids presenting the refresh token now.
    pub(crate) fn obstacle(&self, rules: &Rules, wall: WallMillis) -> Option<Failure> {
        let backoff = || self.failures.put_off_until(wall).map(Failure::Backoff);
        self.lasting_obstacle(rules).or_else(backoff)
    }

    /// What forbids presenting the refresh token, however long one waits.
    pub(crate) fn lasting_obstacle(&self, rules: &Rules) -> Option<Failure> {
        match &self.health {
            Health::Dead(cause) => return Some(Failure::Dead(cause.clone())),
            Health::Misconfigured(refused) if *refused == rules.configuration => {
                return Some(Failure::Misconfigured);
            }
            Health::Misconfigured(_) | Health::Alive => {}
        }
        if !self.tokens.has_refresh_token() {
            return Some(Failure::Dead(Cause::NoRefreshToken));
        }
        None
    }

    /// Writes down what an answer without tokens means.
    pub(super) fn note(&mut self, answer: Answer<T>, rules: &Rules, cx: &Context) -> Failure {
        self.failures.count = self.failures.count.saturating_add(1);
        let retry_after = match &answer {
            Answer::Transient { retry_after } => *retry_after,
            _ => None,
        };
        let pause = rules.backoff(self.failures.count, retry_after, cx.roll);
        self.failures.not_before = cx.wall + millis(pause).min(DAY);
        match answer {
            Answer::Terminal { code } => self.die(if self.unanswered {
                Cause::ResponseLost
            } else {
                Cause::Refused(code)
            }),
            Answer::Unexplained => {
                if self.failures.unexplained == 0 {
                    self.failures.unexplained_since = cx.wall;
                }
                self.failures.unexplained = self.failures.unexplained.saturating_add(1);
                let span = cx.wall.saturating_sub(self.failures.unexplained_since);
                if self.failures.unexplained >= UNEXPLAINED_LIMIT && span >= UNEXPLAINED_SPAN {
                    self.die(Cause::Unexplained)
                } else {
                    Failure::Backoff(self.failures.not_before)
                }
            }
            Answer::Configuration => {
                // A changed configuration may try at once.
                self.failures.not_before = 0;
                self.health = Health::Misconfigured(rules.configuration);
                Failure::Misconfigured
            }
            Answer::Ambiguous => {
                if !self.unanswered {
                    self.unanswered = true;
                    self.failures.not_before = 0;
                }
                Failure::Undecided(self.failures.not_before)
            }
            Answer::Transient { .. } | Answer::Tokens(_) => {
                Failure::Backoff(self.failures.not_before)
            }
        }
    }

    fn die(&mut self, cause: Cause) -> Failure {
        self.health = Health::Dead(cause.clone());
        Failure::Dead(cause)
    }
}

/// So many answers that explain nothing, over at least so long, mean a refusal.
const UNEXPLAINED_LIMIT: u32 = 3;
const UNEXPLAINED_SPAN: WallMillis = 10 * 60 * 1000;
