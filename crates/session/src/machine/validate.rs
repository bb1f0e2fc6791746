//! Compares what this process holds with the store, and writes ours back where the store lost it or went back in time.

use super::{
    Context, Effect, Input, Machine, Reconciled, Rules, Step, Stored, Write, Wrote, landed,
    reconcile,
};
use crate::record::{Record, Tokens};

#[derive(Clone, Debug)]
#[cfg_attr(test, derive(PartialEq, Eq, Hash))]
pub(crate) struct Validate<T> {
    rules: Rules,
    ours: Option<Stored<T>>,
    writing: Option<Write<T>>,
    /// The store had lost our record, or gone back in time.
    restored: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum ValidateEnd<T> {
    Stands { stored: Stored<T>, restored: bool },
    NotConnected,
    StoreFailed,
}

impl<T: Tokens> Validate<T> {
    pub(crate) fn new(rules: Rules, ours: Option<Stored<T>>) -> Self {
        Self {
            rules,
            ours,
            writing: None,
            restored: false,
        }
    }

    fn compare(&mut self, found: Option<Stored<T>>, cx: &Context) -> Step<T, ValidateEnd<T>> {
        match reconcile(&self.rules, self.ours.as_ref(), found, cx.version) {
            Reconciled::Nothing => Step::End(ValidateEnd::NotConnected),
            Reconciled::Stands(stored) => Step::End(ValidateEnd::Stands {
                stored,
                restored: self.restored,
            }),
            Reconciled::Restore(write) => {
                self.restored = true;
                self.writing = Some(write.clone());
                write.now()
            }
            Reconciled::Entomb(write) => {
                self.writing = Some(write.clone());
                write.now()
            }
        }
    }
}

impl<T: Tokens> Machine<T> for Validate<T> {
    type End = ValidateEnd<T>;

    fn step(&mut self, input: Input<T>, cx: &Context) -> Step<T, Self::End> {
        match (self.writing.take(), input) {
            (None, Input::Start) => Step::Do(Effect::Read),
            (None, Input::Found(found)) => self.compare(found, cx),
            (Some(write), Input::Wrote(wrote)) => match landed(wrote, &write) {
                Wrote::Applied => {
                    let record = write.record.expect("a restoring write has a record");
                    Step::End(ValidateEnd::Stands {
                        stored: Stored {
                            version: write.version,
                            record,
                        },
                        restored: self.restored,
                    })
                }
                Wrote::Conflict(there) => self.compare(there, cx),
                Wrote::Failed => Step::End(ValidateEnd::StoreFailed),
            },
            _ => Step::End(ValidateEnd::StoreFailed),
        }
    }

    fn in_hand(&self) -> Option<&Record<T>> {
        let record = self.writing.as_ref()?.record.as_ref()?;
        record.is_ended().then_some(record)
    }
}
