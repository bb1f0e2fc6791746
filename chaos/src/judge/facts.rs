//! What workers did, each from several lines.

use crate::{
    mark::Mark,
    said::{Grant, Micros, PutOutcome},
};

/// A token request.
#[derive(Clone, Debug)]
pub(super) struct Sending {
    pub(super) worker: String,
    pub(super) grant: Grant,
    pub(super) mark: Mark,
    pub(super) at: Micros,
    pub(super) answer: Option<Answer>,
    /// The write before it, which holds its attempt: when it was tried first.
    pub(super) claimed: Option<Micros>,
}

/// What came of it: a status, or none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) at: Micros,
    pub(super) status: Option<u16>,
    pub(super) gave: Option<Mark>,
}

impl Answer {
    /// Whether it says what became of the token.
    pub(super) fn decides(&self) -> bool {
        self.gave.is_some()
            || self
                .status
                .is_some_and(|s| (400..500).contains(&s) && s != 429)
    }
}

/// A try to write a record.
#[derive(Clone, Debug)]
pub(super) struct Put {
    pub(super) worker: String,
    pub(super) began: Micros,
    /// When the first try of this very write began.
    pub(super) first: Micros,
    pub(super) ended: Micros,
    pub(super) outcome: PutOutcome,
    pub(super) dead: bool,
    pub(super) tombstone: bool,
}

impl Sending {
    /// The refresh token that came for it.
    pub(super) fn gave(&self) -> Option<Mark> {
        self.answer.and_then(|answer| answer.gave)
    }
}

impl Put {
    pub(super) fn landed(&self) -> bool {
        matches!(self.outcome, PutOutcome::Applied | PutOutcome::Own)
    }
}

/// A login or a disconnect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    pub(super) began: Micros,
    /// When it was over, one way or the other; not at all, where its worker was killed first.
    pub(super) ended: Option<Micros>,
    /// The code, where it is a login.
    pub(super) code: Option<Mark>,
    pub(super) failed: bool,
}

impl Op {
    pub(super) fn is_login(&self) -> bool {
        self.code.is_some()
    }
}
