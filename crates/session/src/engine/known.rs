//! The newest record that a process knows of an account, in little room: most accounts rest most of the time.

mod resting;

use tokenkeeper_protocol::AccessToken;
use tokenkeeper_store::Version;

use self::resting::Resting;
pub(crate) use self::resting::Shared;
use crate::{
    machine::Stored,
    record::{Held, Live, Record, State, Tombstone},
    source::Stamp,
};

/// The newest record known here.
pub(crate) struct Known {
    pub(crate) version: Version,
    form: Form,
}

enum Form {
    Resting(Resting),
    Whole(Box<Whole>),
}

/// A record of which there is more to say.
struct Whole {
    record: Record<Held>,
    written: bool,
}

impl Known {
    pub(crate) fn new(stored: Stored<Held>, written: bool, shared: &Shared) -> Self {
        let Stored { version, record } = stored;
        let form = match Resting::of(&record, written, shared) {
            Some(resting) => Form::Resting(resting),
            None => Form::Whole(Box::new(Whole { record, written })),
        };
        Self { version, form }
    }

    /// It is in the store. If not, a flight is writing it, or the next comparison does.
    pub(crate) fn is_written(&self) -> bool {
        match &self.form {
            Form::Resting(resting) => resting.written,
            Form::Whole(whole) => whole.written,
        }
    }

    pub(crate) fn record(&self) -> Record<Held> {
        match &self.form {
            Form::Resting(resting) => Record {
                state: State::Live(resting.live()),
                login: None,
            },
            Form::Whole(whole) => whole.record.clone(),
        }
    }

    pub(crate) fn stored(&self) -> Stored<Held> {
        Stored {
            version: self.version,
            record: self.record(),
        }
    }

    pub(crate) fn live(&self) -> Option<Live<Held>> {
        match &self.form {
            Form::Resting(resting) => Some(resting.live()),
            Form::Whole(whole) => whole.record.live().cloned(),
        }
    }

    /// Which token set it holds, if it is no tombstone.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        match &self.form {
            Form::Resting(resting) => Some(resting.stamp()),
            Form::Whole(whole) => whole.record.live().map(Live::stamp),
        }
    }

    pub(crate) fn access_token(&self) -> Option<&AccessToken> {
        match &self.form {
            Form::Resting(resting) => Some(&resting.access_token),
            Form::Whole(whole) => Some(&whole.record.live()?.tokens.tokens.access_token),
        }
    }

    /// The tombstone, if it is one.
    pub(crate) fn tombstone(&self) -> Option<&Tombstone<Held>> {
        match &self.form {
            Form::Whole(whole) => match &whole.record.state {
                State::Ended(tombstone) => Some(tombstone),
                State::Empty | State::Live(_) => None,
            },
            Form::Resting(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
