//! One login: a code is exchanged like a refresh token, and tokens that the application brings along are
//! written under an authorization of their own.

use super::{
    Answer, Context, Effect, Input, Machine, Moment, Reconciled, Rules, Step, Stored, TRIES, Write,
    Wrote, landed, over, reconcile,
};
use crate::record::{Authorization, Live, Login as Pending, Record, State, Tokens, Winner, judge};

#[derive(Clone, Debug)]
#[cfg_attr(test, derive(PartialEq, Eq, Hash))]
pub(crate) struct Login<T> {
    rules: Rules,
    ours: Option<Stored<T>>,
    /// Tokens that need no exchange.
    adopting: Option<T>,
    /// What the token endpoint said, once it refused.
    refused: Option<Answer<T>>,
    stage: Stage<T>,
}

#[derive(Clone, Debug)]
#[cfg_attr(test, derive(PartialEq, Eq, Hash))]
enum Stage<T> {
    Rest,
    Reading,
    Restoring(Write<T>),
    /// Finishing a disconnect's revocation first: afterwards it could end the new login.
    Revoking(Stored<T>),
    /// Writing down that a login is under way; the lease counts from `since`.
    Claiming {
        write: Write<T>,
        pending: Pending,
        since: Moment,
        tries: u32,
    },
    Sending {
        claim: Stored<T>,
        pending: Pending,
    },
    Settling {
        write: Write<T>,
        /// An earlier send of it may have landed, and others may have written since.
        unsure: bool,
    },
    /// Taking the pending login back.
    Withdrawing {
        write: Write<T>,
        pending: Pending,
        tries: u32,
    },
}

#[derive(Clone, Debug)]
pub(crate) enum LoginEnd<T> {
    Connected {
        stored: Stored<T>,
    },
    /// A newer login or a disconnect came first; these tokens are to be revoked.
    Overtaken {
        stored: Stored<T>,
        revoke: Option<T>,
    },
    /// The token endpoint gave no tokens. What the store holds is as it was.
    Refused,
    /// An earlier disconnect's revocation could not be finished; the code was not sent.
    RevocationPending,
    /// Nothing was sent.
    StoreFailed,
    /// The lease was all but over when the store answered; nothing was sent.
    TooLate,
}

impl<T: Tokens> Login<T> {
    pub(crate) fn exchange(rules: Rules, ours: Option<Stored<T>>) -> Self {
        Self {
            rules,
            ours,
            adopting: None,
            refused: None,
            stage: Stage::Rest,
        }
    }

    pub(crate) fn adopt(rules: Rules, ours: Option<Stored<T>>, tokens: T) -> Self {
        Self {
            adopting: Some(tokens),
            ..Self::exchange(rules, ours)
        }
    }

    fn admit(&mut self, found: Option<Stored<T>>, cx: &Context) -> Step<T, LoginEnd<T>> {
        match reconcile(&self.rules, self.ours.as_ref(), found, cx.version) {
            Reconciled::Nothing => self.begin(None, cx),
            Reconciled::Restore(write) | Reconciled::Entomb(write) => {
                self.stage = Stage::Restoring(write.clone());
                write.now()
            }
            Reconciled::Stands(stored) => self.consider(stored, cx),
        }
    }

    fn consider(&mut self, stored: Stored<T>, cx: &Context) -> Step<T, LoginEnd<T>> {
        self.ours = Some(stored.clone());
        if let State::Ended(tombstone) = &stored.record.state
            && let Some(tokens) = tombstone.revoke.clone()
        {
            self.stage = Stage::Revoking(stored);
            return Step::Do(Effect::Revoke(tokens));
        }
        self.begin(Some(stored), cx)
    }

    fn begin(&mut self, base: Option<Stored<T>>, cx: &Context) -> Step<T, LoginEnd<T>> {
        let seen = base
            .as_ref()
            .or(self.ours.as_ref())
            .map_or(0, |stored| stored.record.highest_number());
        let authorization = Authorization {
            number: (seen + 1).max(cx.wall),
            id: cx.id,
        };
        let expected = base.as_ref().map(|stored| stored.version);
        if let Some(tokens) = self.adopting.clone() {
            return self.settle(Write {
                version: cx.version,
                expected,
                record: Some(Record {
                    state: State::Live(Live::first(authorization, tokens)),
                    login: None,
                }),
            });
        }
        let pending = Pending {
            authorization,
            attempt: self.rules.attempt(cx.id, 0),
        };
        let mut record = base.map_or_else(Record::empty, |stored| stored.record);
        record.login = Some(pending);
        let write = Write {
            version: cx.version,
            expected,
            record: Some(record),
        };
        self.stage = Stage::Claiming {
            write: write.clone(),
            pending,
            since: cx.now(),
            tries: 1,
        };
        write.now()
    }

    fn claimed(
        &mut self,
        write: Write<T>,
        pending: Pending,
        since: Moment,
        cx: &Context,
    ) -> Step<T, LoginEnd<T>> {
        if !self.rules.may_send(since, cx.now()) {
            return Step::End(LoginEnd::TooLate);
        }
        let claim = Stored {
            version: write.version,
            record: write.record.expect("a claim writes a record"),
        };
        self.stage = Stage::Sending { claim, pending };
        Step::Do(Effect::Send(None))
    }

    fn answered(
        &mut self,
        claim: Stored<T>,
        pending: Pending,
        answer: Answer<T>,
        cx: &Context,
    ) -> Step<T, LoginEnd<T>> {
        self.ours = Some(claim.clone());
        if let Answer::Tokens(tokens) = answer {
            return self.settle(Write {
                version: cx.version,
                expected: Some(claim.version),
                record: Some(Record {
                    state: State::Live(Live::first(pending.authorization, tokens)),
                    login: None,
                }),
            });
        }
        self.refused = Some(answer);
        self.withdraw(claim, pending, cx)
    }

    fn settle(&mut self, write: Write<T>) -> Step<T, LoginEnd<T>> {
        self.settle_again(write, false)
    }

    fn settle_again(&mut self, write: Write<T>, unsure: bool) -> Step<T, LoginEnd<T>> {
        self.stage = Stage::Settling {
            write: write.clone(),
            unsure,
        };
        write.now()
    }

    /// The new login's tokens met something else in the store.
    fn settle_over(
        &mut self,
        write: Write<T>,
        unsure: bool,
        there: Option<Stored<T>>,
        cx: &Context,
    ) -> Step<T, LoginEnd<T>> {
        let ours = write.record.expect("a settling write has a record");
        let Some(there) = there else {
            let write = Write {
                version: cx.version,
                expected: None,
                record: Some(ours),
            };
            return self.settle_again(write, unsure);
        };
        if there.record.authorization() == ours.authorization() {
            // It has landed; others may have refreshed it since, or disconnected it.
            return Step::End(match there.record.live() {
                Some(_) => LoginEnd::Connected { stored: there },
                None => LoginEnd::Overtaken {
                    stored: there,
                    revoke: None,
                },
            });
        }
        if self.adopting.is_some() && !unsure {
            // What the application brings is newest now, whatever was written meanwhile.
            self.ours = Some(there.clone());
            return self.consider(there, cx);
        }
        if judge(&ours, &there.record) == Winner::Ours {
            return self.settle_again(over(&self.rules, &ours, &there, cx.version), unsure);
        }
        let alone = self.adopting.is_none()
            && self.rules.revokes
            && (self.rules.revokes_alone || matches!(there.record.state, State::Ended(_)));
        let revoke = ours
            .live()
            .map(|live| live.tokens.clone())
            .filter(|_| alone);
        Step::End(LoginEnd::Overtaken {
            stored: there,
            revoke,
        })
    }

    fn withdraw(
        &mut self,
        there: Stored<T>,
        pending: Pending,
        cx: &Context,
    ) -> Step<T, LoginEnd<T>> {
        if there.record.login != Some(pending) {
            return Step::End(LoginEnd::Refused);
        }
        let mut record = there.record;
        record.login = None;
        let write = Write {
            version: cx.version,
            expected: Some(there.version),
            record: (record.state.is_held()).then_some(record),
        };
        self.stage = Stage::Withdrawing {
            write: write.clone(),
            pending,
            tries: 1,
        };
        write.now()
    }
}

impl<T: Tokens> Machine<T> for Login<T> {
    type End = LoginEnd<T>;

    fn step(&mut self, input: Input<T>, cx: &Context) -> Step<T, Self::End> {
        match (std::mem::replace(&mut self.stage, Stage::Rest), input) {
            (Stage::Rest, Input::Start) => match self.ours.clone() {
                Some(stored) => self.consider(stored, cx),
                None => {
                    self.stage = Stage::Reading;
                    Step::Do(Effect::Read)
                }
            },
            (Stage::Reading, Input::Found(found)) => self.admit(found, cx),
            (Stage::Restoring(write), Input::Wrote(wrote)) => match landed(wrote, &write) {
                Wrote::Applied => {
                    let record = write.record.expect("a restoring write has a record");
                    let version = write.version;
                    self.consider(Stored { version, record }, cx)
                }
                Wrote::Conflict(there) => self.admit(there, cx),
                Wrote::Failed => Step::End(LoginEnd::StoreFailed),
            },
            (Stage::Revoking(stored), Input::Revoked(true)) => self.begin(Some(stored), cx),
            (Stage::Revoking(_), Input::Revoked(false)) => Step::End(LoginEnd::RevocationPending),
            (
                Stage::Claiming {
                    write,
                    pending,
                    since,
                    tries,
                },
                Input::Wrote(wrote),
            ) => match landed(wrote, &write) {
                Wrote::Applied => self.claimed(write, pending, since, cx),
                Wrote::Conflict(there) => self.admit(there, cx),
                Wrote::Failed if tries < TRIES => {
                    self.stage = Stage::Claiming {
                        write: write.clone(),
                        pending,
                        since,
                        tries: tries + 1,
                    };
                    write.later(self.rules.store_retry)
                }
                Wrote::Failed => Step::End(LoginEnd::StoreFailed),
            },
            (Stage::Sending { claim, pending }, Input::Answered(answer)) => {
                self.answered(claim, pending, answer, cx)
            }
            (Stage::Settling { write, unsure }, Input::Wrote(wrote)) => {
                match landed(wrote, &write) {
                    Wrote::Applied => Step::End(LoginEnd::Connected {
                        stored: Stored {
                            version: write.version,
                            record: write.record.expect("a settling write has a record"),
                        },
                    }),
                    Wrote::Conflict(there) => self.settle_over(write, unsure, there, cx),
                    Wrote::Failed => {
                        self.stage = Stage::Settling {
                            write: write.clone(),
                            unsure: true,
                        };
                        write.later(self.rules.store_retry)
                    }
                }
            }
            (
                Stage::Withdrawing {
                    write,
                    pending,
                    tries,
                },
                Input::Wrote(wrote),
            ) => match landed(wrote, &write) {
                Wrote::Conflict(Some(there)) => self.withdraw(there, pending, cx),
                Wrote::Failed if tries < TRIES => {
                    self.stage = Stage::Withdrawing {
                        write: write.clone(),
                        pending,
                        tries: tries + 1,
                    };
                    write.later(self.rules.store_retry)
                }
                // A pending login that stays behind keeps nobody waiting: it only counts as a number seen.
                Wrote::Applied | Wrote::Conflict(None) | Wrote::Failed => {
                    Step::End(LoginEnd::Refused)
                }
            },
            _ => Step::End(LoginEnd::StoreFailed),
        }
    }

    fn in_hand(&self) -> Option<&Record<T>> {
        match &self.stage {
            Stage::Settling { write, .. } => write.record.as_ref(),
            _ => None,
        }
    }

    fn ended(&self) -> Option<&Stored<T>> {
        match &self.stage {
            Stage::Revoking(stored) => Some(stored),
            _ => None,
        }
    }
}

impl<T> State<T> {
    fn is_held(&self) -> bool {
        !matches!(self, Self::Empty)
    }
}
