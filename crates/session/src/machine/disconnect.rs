//! One disconnect: a tombstone over the tokens, then the revocation, then the tombstone's mark is cleared.
//! Whoever meets a tombstone with its mark still on it finishes it with the same machine.

use super::{
    Context, Effect, Input, Machine, Reconciled, Rules, Step, Stored, TRIES, Write, Wrote, landed,
    reconcile,
};
use crate::record::{Authorization, Record, State, Tokens, merge_login};

#[derive(Clone, Debug)]
#[cfg_attr(test, derive(PartialEq, Eq, Hash))]
pub(crate) struct Disconnect<T> {
    rules: Rules,
    ours: Option<Stored<T>>,
    /// The login that is to end; `None` until the first look.
    target: Option<Authorization>,
    stage: Stage<T>,
}

#[derive(Clone, Debug)]
#[cfg_attr(test, derive(PartialEq, Eq, Hash))]
enum Stage<T> {
    Rest,
    Reading,
    Writing { write: Write<T>, tries: u32 },
    Revoking(Stored<T>),
}

#[derive(Clone, Debug)]
pub(crate) enum DisconnectEnd<T> {
    Ended {
        stored: Stored<T>,
        /// The provider could not be reached; the tombstone keeps the tokens until somebody can.
        revocation_pending: bool,
    },
    /// A newer login came first and stands; these tokens of the older one are to be revoked.
    Superseded {
        stored: Stored<T>,
        revoke: Option<T>,
    },
    NotConnected,
    StoreFailed,
}

impl<T: Tokens> Disconnect<T> {
    pub(crate) fn new(rules: Rules, ours: Option<Stored<T>>) -> Self {
        let target = ours
            .as_ref()
            .and_then(|stored| stored.record.authorization());
        Self {
            rules,
            ours,
            target,
            stage: Stage::Rest,
        }
    }

    fn admit(&mut self, found: Option<Stored<T>>, cx: &Context) -> Step<T, DisconnectEnd<T>> {
        match reconcile(&self.rules, self.ours.as_ref(), found, cx.version) {
            Reconciled::Nothing => Step::End(DisconnectEnd::NotConnected),
            Reconciled::Restore(write) | Reconciled::Entomb(write) => self.write(write),
            Reconciled::Stands(stored) => self.consider(stored, cx),
        }
    }

    fn consider(&mut self, stored: Stored<T>, cx: &Context) -> Step<T, DisconnectEnd<T>> {
        let known = self.ours.replace(stored.clone());
        match &stored.record.state {
            State::Empty => Step::End(DisconnectEnd::NotConnected),
            State::Ended(tombstone) => match tombstone.revoke.clone() {
                Some(tokens) if self.rules.revokes => {
                    self.stage = Stage::Revoking(stored);
                    Step::Do(Effect::Revoke(tokens))
                }
                _ => Step::End(DisconnectEnd::Ended {
                    stored,
                    revocation_pending: false,
                }),
            },
            State::Live(live) => {
                let target = *self.target.get_or_insert(live.authorization);
                if live.authorization.number > target.number {
                    let known = known.filter(|_| self.rules.revokes_alone);
                    let revoke = known.and_then(|known| Some(known.record.live()?.tokens.clone()));
                    return Step::End(DisconnectEnd::Superseded { stored, revoke });
                }
                self.target = Some(live.authorization);
                let tombstone = Record {
                    state: live.buried(&self.rules),
                    login: merge_login(&Record::empty(), &stored.record),
                };
                self.write(Write {
                    version: cx.version,
                    expected: Some(stored.version),
                    record: Some(tombstone),
                })
            }
        }
    }

    fn write(&mut self, write: Write<T>) -> Step<T, DisconnectEnd<T>> {
        self.stage = Stage::Writing {
            write: write.clone(),
            tries: 1,
        };
        write.now()
    }

    /// Clears the mark of the very tokens that were revoked.
    fn clear(&mut self, revoked: Stored<T>, cx: &Context) -> Step<T, DisconnectEnd<T>> {
        let mut record = revoked.record;
        if let State::Ended(tombstone) = &mut record.state {
            tombstone.revoke = None;
        }
        self.write(Write {
            version: cx.version,
            expected: Some(revoked.version),
            record: Some(record),
        })
    }
}

impl<T: Tokens> Machine<T> for Disconnect<T> {
    type End = DisconnectEnd<T>;

    fn step(&mut self, input: Input<T>, cx: &Context) -> Step<T, Self::End> {
        match (std::mem::replace(&mut self.stage, Stage::Rest), input) {
            (Stage::Rest, Input::Start) => match self.ours.clone() {
                Some(stored) if stored.record.unrevoked().is_some() => self.consider(stored, cx),
                // A tombstone in memory does not show that the store still has it.
                _ => {
                    self.stage = Stage::Reading;
                    Step::Do(Effect::Read)
                }
            },
            (Stage::Reading, Input::Found(found)) => self.admit(found, cx),
            (Stage::Writing { write, tries }, Input::Wrote(wrote)) => match landed(wrote, &write) {
                Wrote::Applied => {
                    let record = write.record.expect("a disconnect only writes records");
                    let version = write.version;
                    self.consider(Stored { version, record }, cx)
                }
                // A mark that was being cleared is looked at again: it may stand for newer tokens by now.
                Wrote::Conflict(there) => self.admit(there, cx),
                Wrote::Failed if tries < TRIES => {
                    self.stage = Stage::Writing {
                        write: write.clone(),
                        tries: tries + 1,
                    };
                    write.later(self.rules.store_retry)
                }
                Wrote::Failed => Step::End(DisconnectEnd::StoreFailed),
            },
            (Stage::Revoking(stored), Input::Revoked(true)) => self.clear(stored, cx),
            (Stage::Revoking(stored), Input::Revoked(false)) => Step::End(DisconnectEnd::Ended {
                stored,
                revocation_pending: true,
            }),
            _ => Step::End(DisconnectEnd::StoreFailed),
        }
    }

    fn ended(&self) -> Option<&Stored<T>> {
        match &self.stage {
            Stage::Revoking(stored) => Some(stored),
            _ => None,
        }
    }
}
