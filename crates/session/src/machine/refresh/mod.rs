//! One refresh, from the claim to the write.

mod claim;
mod settle;

use super::{
    Context, Effect, Input, Machine, Moment, Rules, Step, Stored, TRIES, Write, Wrote, landed,
};
use crate::{
    record::{Cause, Record, State, Tokens, WallMillis},
    source::Stamp,
};

#[derive(Clone, Debug)]
#[cfg_attr(test, derive(PartialEq, Eq, Hash))]
pub(crate) struct Refresh<T> {
    rules: Rules,
    /// The newest record that this process knows.
    ours: Option<Stored<T>>,
    /// The token set to be replaced. Anything newer ends the flight.
    wanted: Option<Stamp>,
    /// Attempts of ours that are known to be over, so that they need not be waited for.
    released: Vec<u128>,
    /// The store had lost our record, or gone back in time.
    restored: bool,
    stage: Stage<T>,
}

#[derive(Clone, Debug)]
#[cfg_attr(test, derive(PartialEq, Eq, Hash))]
enum Stage<T> {
    /// Not started, or ended.
    Rest,
    Reading,
    /// Writing back what the store lost.
    Restoring(Write<T>),
    /// Writing the attempt; the lease counts from `since`.
    Claiming {
        write: Write<T>,
        since: Moment,
        tries: u32,
    },
    /// The refresh token is presented.
    Sending(Stored<T>),
    /// Another's attempt is under way.
    Watching,
    /// Writing the new tokens.
    Settling(Write<T>),
    /// Writing what a failure means.
    Noting {
        write: Write<T>,
        failure: Failure,
        tries: u32,
    },
}

/// Why a refresh brought no tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
pub(crate) enum Failure {
    /// Nobody presents the token before this time.
    Backoff(WallMillis),
    /// No answer decided; the token is presented again after a while.
    Undecided(WallMillis),
    Dead(Cause),
    Misconfigured,
}

#[derive(Clone, Debug)]
pub(crate) struct RefreshEnd<T> {
    pub(crate) outcome: RefreshOutcome<T>,
    /// What is now known to be in the store, with what was noted of it and could not be written.
    pub(crate) stored: Option<Stored<T>>,
    /// Attempts of ours that may still stand in the store though they are over.
    pub(crate) released: Vec<u128>,
    pub(crate) restored: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RefreshOutcome<T> {
    Refreshed,
    /// Something newer was there already; nothing was presented, or what was presented has been overtaken.
    Adopted,
    Failed(Failure),
    NotConnected,
    /// Disconnected, or superseded by a newer login, while the refresh was under way; these tokens are to be revoked.
    Overtaken {
        revoke: Option<T>,
    },
    /// The store failed before anything was presented.
    StoreFailed,
}

impl<T: Tokens> Refresh<T> {
    pub(crate) fn new(
        rules: Rules,
        ours: Option<Stored<T>>,
        wanted: Option<Stamp>,
        released: Vec<u128>,
    ) -> Self {
        Self {
            rules,
            ours,
            wanted,
            released,
            restored: false,
            stage: Stage::Rest,
        }
    }

    fn end(&mut self, outcome: RefreshOutcome<T>) -> Step<T, RefreshEnd<T>> {
        if matches!(
            outcome,
            RefreshOutcome::Refreshed | RefreshOutcome::Adopted | RefreshOutcome::NotConnected
        ) {
            // The store has moved past every attempt of ours.
            self.released.clear();
        }
        Step::End(RefreshEnd {
            outcome,
            stored: self.ours.take(),
            released: std::mem::take(&mut self.released),
            restored: self.restored,
        })
    }

    fn read(&mut self) -> Step<T, RefreshEnd<T>> {
        self.stage = Stage::Reading;
        Step::Do(Effect::Read)
    }
}

impl<T: Tokens> Machine<T> for Refresh<T> {
    type End = RefreshEnd<T>;

    fn step(&mut self, input: Input<T>, cx: &Context) -> Step<T, Self::End> {
        match (std::mem::replace(&mut self.stage, Stage::Rest), input) {
            (Stage::Rest, Input::Start) => match self.ours.clone() {
                Some(stored) => self.consider(stored, cx),
                None => self.read(),
            },
            (Stage::Reading | Stage::Watching, Input::Found(found)) => self.admit(found, cx),
            (Stage::Watching, Input::Lapsed(mut stored)) => {
                if let State::Live(live) = &mut stored.record.state {
                    live.attempt = None;
                    live.unanswered = true;
                }
                self.consider(stored, cx)
            }
            (Stage::Restoring(write), Input::Wrote(wrote)) => match landed(wrote, &write) {
                Wrote::Applied => {
                    let record = write.record.expect("a restoring write has a record");
                    let version = write.version;
                    self.consider(Stored { version, record }, cx)
                }
                Wrote::Conflict(there) => self.admit(there, cx),
                Wrote::Failed => self.end(RefreshOutcome::StoreFailed),
            },
            (
                Stage::Claiming {
                    write,
                    since,
                    tries,
                },
                Input::Wrote(wrote),
            ) => match landed(wrote, &write) {
                Wrote::Applied => self.claimed(write, since, cx),
                Wrote::Conflict(there) => self.admit(there, cx),
                Wrote::Failed if tries < TRIES => {
                    self.stage = Stage::Claiming {
                        write: write.clone(),
                        since,
                        tries: tries + 1,
                    };
                    write.later(self.rules.store_retry)
                }
                Wrote::Failed => {
                    let claim = write.record.as_ref().and_then(Record::live);
                    self.released
                        .extend(claim.and_then(|live| live.attempt).map(|a| a.id));
                    self.end(RefreshOutcome::StoreFailed)
                }
            },
            (Stage::Sending(claim), Input::Answered(answer)) => self.answered(claim, answer, cx),
            (Stage::Settling(write), Input::Wrote(wrote)) => match landed(wrote, &write) {
                Wrote::Applied => {
                    self.ours = stored(write);
                    self.end(match self.ours.as_ref().and_then(|s| s.record.live()) {
                        Some(_) => RefreshOutcome::Refreshed,
                        None => RefreshOutcome::Overtaken { revoke: None },
                    })
                }
                Wrote::Conflict(there) => self.settle_over(write, there, cx),
                Wrote::Failed => {
                    self.stage = Stage::Settling(write.clone());
                    write.later(self.rules.store_retry)
                }
            },
            (
                Stage::Noting {
                    write,
                    failure,
                    tries,
                },
                Input::Wrote(wrote),
            ) => match landed(wrote, &write) {
                Wrote::Applied => {
                    self.ours = stored(write);
                    self.end(RefreshOutcome::Failed(failure))
                }
                Wrote::Conflict(there) => self.note_over(write, failure, there, cx),
                // That a token was refused must be known to all, or another would present it again.
                Wrote::Failed if tries < TRIES || matches!(failure, Failure::Dead(_)) => {
                    self.stage = Stage::Noting {
                        write: write.clone(),
                        failure,
                        tries: (tries + 1).min(TRIES),
                    };
                    write.later(self.rules.store_retry)
                }
                Wrote::Failed => self.end(RefreshOutcome::Failed(failure)),
            },
            // What is left is a read that failed: nothing was presented.
            _ => self.end(RefreshOutcome::StoreFailed),
        }
    }

    fn in_hand(&self) -> Option<&Record<T>> {
        match &self.stage {
            Stage::Settling(write) => write.record.as_ref(),
            Stage::Restoring(write) => write.record.as_ref().filter(|record| record.is_ended()),
            Stage::Noting {
                write,
                failure: Failure::Dead(_),
                ..
            } => write.record.as_ref(),
            _ => None,
        }
    }
}

fn stored<T>(write: Write<T>) -> Option<Stored<T>> {
    let version = write.version;
    write.record.map(|record| Stored { version, record })
}
