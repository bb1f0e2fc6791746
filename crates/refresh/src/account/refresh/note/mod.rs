//! Records failed refreshes in a token set's condition.

use crate::{
    action::Failure,
    id::Id,
    input::Answer,
    instant::{WallMillis, millis},
    mutation::{Mutation, broken},
    payload::Payload,
    record::{Cause, Condition, FailureClass, Health, LastFailure, Live},
    rules::Rules,
};

impl<T: Payload> Live<T> {
    /// Records an answer without tokens, and returns the failure for the waiters.
    pub(super) fn note(
        &mut self,
        answer: Answer<T>,
        code: Option<String>,
        rules: &Rules,
        wall: WallMillis,
        roll: f64,
    ) -> Failure {
        if let Some(cause) = self.refusal() {
            // Another process was refused meanwhile.
            return Failure::Reauthorize(cause.clone());
        }
        let presented = self.presented;
        if let Some(class) = answer.failure_class() {
            self.condition.note_class(class, code, wall);
        }
        let condition = &mut *self.condition;
        if !matches!(answer, Answer::Configuration) {
            condition.not_misconfigured();
        }
        let failures = &mut condition.failures;
        failures.count = failures.count.saturating_add(1);
        let (most, retry_after) = match &answer {
            Answer::Unexplained | Answer::Configuration => (rules.refusal_most, None),
            Answer::Transient { retry_after, .. } => (rules.backoff_most, *retry_after),
            // The server may still be processing the request.
            Answer::TimedOut => (rules.backoff_most, Some(rules.lease)),
            _ => (rules.backoff_most, None),
        };
        // Full jitter spreads the rush after an outage. Refusals cause no rush, so their pauses
        // grow steadily.
        let refused = matches!(answer, Answer::Unexplained | Answer::Configuration);
        let roll = if refused { 0.5 + roll / 2.0 } else { roll };
        let pause = rules.backoff(failures.count, most, retry_after, roll);
        failures.pause = millis(pause);
        failures.firm = retry_after.is_some();
        match answer {
            Answer::Terminal { code } => {
                return Failure::Reauthorize(condition.refuse(code));
            }
            Answer::Configuration => {
                condition.misconfigured(rules.configuration);
                return Failure::Misconfigured;
            }
            Answer::Unexplained => {
                failures.refused_since.get_or_insert(wall);
                let patient = failures.refused_for < millis(rules.patience);
                failures.refused_for = failures.refused_for.saturating_add(failures.pause);
                condition.health = Health::Alive;
                if condition.unanswered && !patient {
                    condition.health = Health::Suspect(Cause::ResponseLost);
                    return Failure::Reauthorize(Cause::ResponseLost);
                }
            }
            Answer::Ambiguous | Answer::TimedOut => {
                let first = matches!(answer, Answer::Ambiguous) && !condition.unanswered;
                let over = broken(Mutation::NeverReplay)
                    || broken(Mutation::CapOnReplays) && presented >= 2;
                if over {
                    condition.health = Health::Dead(Cause::ResponseLost);
                    return Failure::Reauthorize(Cause::ResponseLost);
                }
                condition.unanswered = true;
                if first {
                    failures.pause = 0;
                }
            }
            Answer::Transient {
                may_have_redeemed, ..
            } => condition.unanswered |= may_have_redeemed,
            // The former is the answer to a poll.
            Answer::Pending { .. } | Answer::Tokens(_) => {}
        }
        Failure::Backoff(pause)
    }
}

impl Condition {
    /// Keeps the class and the code of a failure for people.
    pub(in crate::account) fn note_class(
        &mut self,
        class: FailureClass,
        code: Option<String>,
        wall: WallMillis,
    ) {
        let first = self.last_failure.as_ref();
        self.last_failure = Some(LastFailure {
            class,
            code,
            since: first.map_or(wall, |first| first.since),
        });
        self.failures.noted = wall;
    }

    /// Records that the token was refused permanently, and returns the cause.
    pub(super) fn refuse(&mut self, code: Option<String>) -> Cause {
        let cause = if self.unanswered {
            Cause::ResponseLost
        } else {
            Cause::Refused(code)
        };
        self.health = Health::Dead(cause.clone());
        cause
    }

    /// Clears the refusal of the client: the pause now applies to every configuration.
    fn not_misconfigured(&mut self) {
        if matches!(self.health, Health::Misconfigured(_)) {
            self.health = Health::Alive;
        }
    }

    /// Adds this configuration to those with which the client was refused.
    fn misconfigured(&mut self, configuration: Id) {
        let mut configurations = match std::mem::replace(&mut self.health, Health::Alive) {
            Health::Misconfigured(configurations) => configurations,
            _ => Vec::new(),
        };
        if !configurations.contains(&configuration) {
            configurations.truncate(CONFIGURATIONS - 1);
            configurations.insert(0, configuration);
        }
        self.health = Health::Misconfigured(configurations);
    }
}

/// The number of refused configurations that a record keeps.
const CONFIGURATIONS: usize = 8;

#[cfg(test)]
mod tests;
