//! Facts about workers, each assembled from several events.

use crate::{
    fingerprint::Fingerprint,
    message::{Grant, Micros, PutOutcome},
};

/// A token request.
#[derive(Clone, Debug)]
pub(super) struct TokenRequest {
    pub(super) worker: String,
    pub(super) grant: Grant,
    pub(super) token: Fingerprint,
    pub(super) at: Micros,
    pub(super) answer: Option<Answer>,
    /// When the write of its attempt was tried first.
    pub(super) claimed: Option<Micros>,
}

/// The answer to a token request: a status, or none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) at: Micros,
    pub(super) status: Option<u16>,
    pub(super) issued: Option<Fingerprint>,
}

impl Answer {
    /// Returns whether it decides the fate of the token.
    pub(super) fn decides(&self) -> bool {
        self.issued.is_some()
            || self
                .status
                .is_some_and(|s| (400..500).contains(&s) && s != 429)
    }
}

/// An attempt to write a record.
#[derive(Clone, Debug)]
pub(super) struct Put {
    pub(super) worker: String,
    pub(super) began: Micros,
    /// When the first attempt of the same write began.
    pub(super) first: Micros,
    pub(super) ended: Micros,
    pub(super) outcome: PutOutcome,
    pub(super) dead: bool,
    pub(super) tombstone: bool,
}

impl TokenRequest {
    /// Returns the refresh token of the answer.
    pub(super) fn issued(&self) -> Option<Fingerprint> {
        self.answer.and_then(|answer| answer.issued)
    }
}

impl Put {
    pub(super) fn landed(&self) -> bool {
        matches!(self.outcome, PutOutcome::Applied | PutOutcome::Own)
    }
}

/// A login or a disconnect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) began: Micros,
    /// When it ended or failed; `None` if its worker was killed first.
    pub(super) ended: Option<Micros>,
    /// The code, for a login.
    pub(super) code: Option<Fingerprint>,
    pub(super) failed: bool,
}

impl Operation {
    pub(super) fn is_login(&self) -> bool {
        self.code.is_some()
    }
}
