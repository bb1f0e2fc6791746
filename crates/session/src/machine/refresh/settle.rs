//! After something was presented: what the answer means, and writing it down whatever the store has become meanwhile.

use super::{Failure, Refresh, RefreshEnd, RefreshOutcome, Stage};
use crate::{
    machine::{Answer, Context, Rules, Step, Stored, Write, entomb, over},
    record::{Live, Record, State, Tokens, Winner, judge},
};

impl<T: Tokens> Refresh<T> {
    pub(super) fn answered(
        &mut self,
        claim: Stored<T>,
        answer: Answer<T>,
        cx: &Context,
    ) -> Step<T, RefreshEnd<T>> {
        let live = claim.record.live().expect("a claim is made on live tokens");
        self.released.extend(live.attempt.map(|a| a.id));
        if let Answer::Tokens(tokens) = answer {
            let record = Record {
                state: State::Live(live.next(tokens)),
                login: claim.record.login,
            };
            return self.settle(Write {
                version: cx.version,
                expected: Some(claim.version),
                record: Some(record),
            });
        }
        let mut noted = live.clone();
        noted.attempt = None;
        let replay = matches!(answer, Answer::Ambiguous) && !live.unanswered;
        let failure = noted.note(answer, &self.rules, cx);
        let noted = Stored {
            version: claim.version,
            record: Record {
                state: State::Live(noted),
                login: claim.record.login,
            },
        };
        // This process remembers the note also where the store does not take it.
        self.ours = Some(noted.clone());
        if replay {
            // The first replay goes out at once: its claim is written in place of the note.
            return self.claim(&noted, cx);
        }
        self.note(
            Write {
                version: cx.version,
                expected: Some(noted.version),
                record: Some(noted.record),
            },
            failure,
        )
    }

    pub(super) fn settle(&mut self, write: Write<T>) -> Step<T, RefreshEnd<T>> {
        self.stage = Stage::Settling(write.clone());
        write.now()
    }

    pub(super) fn note(&mut self, write: Write<T>, failure: Failure) -> Step<T, RefreshEnd<T>> {
        self.stage = Stage::Noting {
            write: write.clone(),
            failure,
            tries: 1,
        };
        write.now()
    }

    /// The new tokens met something else in the store.
    pub(super) fn settle_over(
        &mut self,
        write: Write<T>,
        there: Option<Stored<T>>,
        cx: &Context,
    ) -> Step<T, RefreshEnd<T>> {
        let ours = write.record.expect("a settling write has a record");
        let Some(there) = there else {
            self.restored = true;
            return self.settle(Write {
                version: cx.version,
                expected: None,
                record: Some(ours),
            });
        };
        if judge(&ours, &there.record) == Winner::Ours {
            return self.settle(over(&self.rules, &ours, &there, cx.version));
        }
        if let Some(write) = entomb(&self.rules, &ours, &there, cx.version) {
            return self.settle(write);
        }
        let tokens = ours.unrevoked().cloned();
        let outcome = overtaken(&self.rules, &ours, &there.record, tokens);
        self.ours = Some(there);
        self.end(outcome)
    }

    /// A failure's note met something else in the store.
    pub(super) fn note_over(
        &mut self,
        write: Write<T>,
        failure: Failure,
        there: Option<Stored<T>>,
        cx: &Context,
    ) -> Step<T, RefreshEnd<T>> {
        let ours = write.record.expect("a note has a record");
        let Some(there) = there else {
            self.restored = true;
            let write = Write {
                version: cx.version,
                expected: None,
                record: Some(ours),
            };
            return self.note(write, failure);
        };
        if self.is_of_our_attempt(&ours, &there.record)
            || judge(&ours, &there.record) == Winner::Ours
        {
            return self.note(over(&self.rules, &ours, &there, cx.version), failure);
        }
        let outcome = if there.record.live().map(Live::stamp) == ours.live().map(Live::stamp) {
            RefreshOutcome::Failed(failure)
        } else {
            overtaken(&self.rules, &ours, &there.record, None)
        };
        self.ours = Some(there);
        self.end(outcome)
    }
}

/// What it means that `theirs` stands over our result.
fn overtaken<T: Tokens>(
    rules: &Rules,
    ours: &Record<T>,
    theirs: &Record<T>,
    tokens: Option<T>,
) -> RefreshOutcome<T> {
    match &theirs.state {
        State::Ended(_) => RefreshOutcome::Overtaken {
            revoke: tokens.filter(|_| rules.revokes),
        },
        State::Live(live) if Some(live.authorization) != ours.authorization() => {
            RefreshOutcome::Overtaken {
                revoke: tokens.filter(|_| rules.revokes_alone),
            }
        }
        State::Live(_) | State::Empty => RefreshOutcome::Adopted,
    }
}
