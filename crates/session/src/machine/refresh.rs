//! One refresh, from the claim to the write.

use super::{
    Answer, Context, Effect, Input, Machine, Reconciled, Rules, Step, Stored, TRIES,
    UNEXPLAINED_LIMIT, UNEXPLAINED_SPAN, Write, Wrote, entomb, landed, millis, over, reconcile,
};
use crate::{
    record::{Cause, Health, Live, Record, State, Tokens, WallMillis, Winner, judge},
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
        since: std::time::Duration,
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
    /// What is now known to be in the store.
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

    /// Looks at what is in the store and decides whether the token may be presented.
    fn admit(&mut self, found: Option<Stored<T>>, cx: &Context) -> Step<T, RefreshEnd<T>> {
        match reconcile(&self.rules, self.ours.as_ref(), found, cx.version) {
            Reconciled::Nothing => {
                self.ours = None;
                self.end(RefreshOutcome::NotConnected)
            }
            Reconciled::Restore(write) => {
                self.restored = true;
                self.stage = Stage::Restoring(write.clone());
                write.now()
            }
            Reconciled::Entomb(write) => {
                self.stage = Stage::Restoring(write.clone());
                write.now()
            }
            Reconciled::Stands(stored) => self.consider(stored, cx),
        }
    }

    fn consider(&mut self, stored: Stored<T>, cx: &Context) -> Step<T, RefreshEnd<T>> {
        self.ours = Some(stored.clone());
        let live = match &stored.record.state {
            State::Empty => return self.end(RefreshOutcome::NotConnected),
            State::Ended(_) => return self.end(RefreshOutcome::Overtaken { revoke: None }),
            State::Live(live) => live,
        };
        if *self.wanted.get_or_insert(live.stamp()) != live.stamp() {
            return self.end(RefreshOutcome::Adopted);
        }
        if let Some(attempt) = live.attempt.filter(|a| !self.released.contains(&a.id)) {
            self.stage = Stage::Watching;
            let lease = std::time::Duration::from_millis(attempt.lease);
            return Step::Do(Effect::Watch { stored, lease });
        }
        match live.obstacle(&self.rules, cx.wall) {
            Some(failure) => self.end(RefreshOutcome::Failed(failure)),
            None => self.claim(&stored, cx),
        }
    }

    /// Writes the attempt down before anything is sent.
    fn claim(&mut self, stored: &Stored<T>, cx: &Context) -> Step<T, RefreshEnd<T>> {
        let mut record = stored.record.clone();
        if let State::Live(live) = &mut record.state {
            let digest = live.tokens.refresh_digest().unwrap_or_default();
            live.attempt = Some(self.rules.attempt(cx.id, digest));
            live.presented = live.presented.saturating_add(1);
        }
        let write = Write {
            version: cx.version,
            expected: Some(stored.version),
            record: Some(record),
        };
        self.stage = Stage::Claiming {
            write: write.clone(),
            since: cx.mono,
            tries: 1,
        };
        write.now()
    }

    fn claimed(
        &mut self,
        write: Write<T>,
        since: std::time::Duration,
        cx: &Context,
    ) -> Step<T, RefreshEnd<T>> {
        let record = write.record.expect("a claim writes a record");
        let live = record.live().expect("a claim is made on live tokens");
        if !self.rules.may_send(since, cx.mono) {
            // Another may think this lease dead by the time the answer came: send nothing, look again.
            self.released.extend(live.attempt.map(|a| a.id));
            return self.read();
        }
        let tokens = live.tokens.clone();
        self.stage = Stage::Sending(Stored {
            version: write.version,
            record,
        });
        Step::Do(Effect::Send(Some(tokens)))
    }

    fn answered(
        &mut self,
        claim: Stored<T>,
        answer: Answer<T>,
        cx: &Context,
    ) -> Step<T, RefreshEnd<T>> {
        self.ours = Some(claim.clone());
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
        let record = Record {
            state: State::Live(noted),
            login: claim.record.login,
        };
        if replay {
            // The first replay goes out at once: its claim is written in place of the note.
            let base = Stored {
                version: claim.version,
                record,
            };
            return self.claim(&base, cx);
        }
        self.note(
            Write {
                version: cx.version,
                expected: Some(claim.version),
                record: Some(record),
            },
            failure,
        )
    }

    fn settle(&mut self, write: Write<T>) -> Step<T, RefreshEnd<T>> {
        self.stage = Stage::Settling(write.clone());
        write.now()
    }

    fn note(&mut self, write: Write<T>, failure: Failure) -> Step<T, RefreshEnd<T>> {
        self.stage = Stage::Noting {
            write: write.clone(),
            failure,
            tries: 1,
        };
        write.now()
    }

    /// The new tokens met something else in the store.
    fn settle_over(
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
    fn note_over(
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
        if judge(&ours, &there.record) == Winner::Ours {
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
            Stage::Noting {
                write,
                failure: Failure::Dead(_),
                ..
            } => write.record.as_ref(),
            _ => None,
        }
    }
}

impl<T: Tokens> Live<T> {
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp {
            authorization: self.authorization.number,
            generation: self.generation,
        }
    }

    /// What forbids presenting the refresh token now.
    fn obstacle(&self, rules: &Rules, wall: WallMillis) -> Option<Failure> {
        match &self.health {
            Health::Dead(cause) => return Some(Failure::Dead(cause.clone())),
            Health::Misconfigured(refused) if *refused == rules.configuration => {
                return Some(Failure::Misconfigured);
            }
            Health::Misconfigured(_) | Health::Alive => {}
        }
        if self.tokens.refresh_digest().is_none() {
            return Some(Failure::Dead(Cause::NoRefreshToken));
        }
        // Another's wall clock may be far ahead of ours; no failure of ours is ever put off for longer than a day.
        let not_before = self.failures.not_before.min(wall + DAY);
        (not_before > wall).then_some(Failure::Backoff(not_before))
    }

    /// Writes down what an answer without tokens means.
    fn note(&mut self, answer: Answer<T>, rules: &Rules, cx: &Context) -> Failure {
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

const DAY: WallMillis = 24 * 60 * 60 * 1000;

fn stored<T>(write: Write<T>) -> Option<Stored<T>> {
    let version = write.version;
    write.record.map(|record| Stored { version, record })
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
