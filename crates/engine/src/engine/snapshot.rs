//! What requests read of an account.

use std::sync::Arc;

use http::{HeaderValue, Request, header::AUTHORIZATION};
use tokenkeeper_protocol::{Attachment, Error as AttachError};
use tokenkeeper_refresh::{EngineInstant, Record, TokenVersion};

use super::payload::Payload;

/// A token that may be sent: swapped as a whole whenever something changes. A request with a valid
/// token reads `fresh_until` and `replayable_only`, and nothing else decides.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Until then a request takes the token and asks nothing.
    pub(crate) fresh_until: EngineInstant,
    /// A request that cannot be sent twice asks first.
    pub(crate) replayable_only: bool,
    pub(crate) version: TokenVersion,
    pub(crate) attached: Attached,
    /// The record that the token is from; `None` for a token that no engine keeps.
    pub(crate) record: Option<Arc<Record<Payload>>>,
}

/// A token in the form in which a request carries it, in little room.
#[derive(Clone, Debug)]
pub(crate) enum Attached {
    /// In `Authorization`, where almost all tokens go.
    Authorization(HeaderValue),
    Elsewhere(Box<Attachment>),
}

/// Which token set a request carries now, or why it could not be attached: in a box, since this is
/// returned for every request.
pub type AttachResult = Result<TokenVersion, Box<AttachError>>;

impl Snapshot {
    /// A token that no engine keeps.
    pub(crate) fn forever(attachment: Attachment, version: TokenVersion) -> Self {
        Self {
            fresh_until: EngineInstant::NEVER,
            replayable_only: false,
            version,
            attached: attachment.into(),
            record: None,
        }
    }

    /// Whether it carries this token, so that what was made of it can be used again.
    pub(crate) fn carries(&self, payload: &Payload, version: TokenVersion) -> bool {
        let live = self.record.as_ref().and_then(|record| record.live());
        self.version == version
            && live.is_some_and(|live| live.payload.access_token == payload.access_token)
    }

    /// Puts the token on a request.
    #[inline(always)]
    pub(crate) fn attach<B>(&self, request: &mut Request<B>) -> AttachResult {
        self.put_on(request)?;
        Ok(self.version)
    }

    /// Its result fits into a register: the version of a token would go through memory, in other
    /// pieces than it is read in.
    #[inline]
    fn put_on<B>(&self, request: &mut Request<B>) -> Result<(), Box<AttachError>> {
        match &self.attached {
            Attached::Authorization(value) => {
                request.headers_mut().insert(AUTHORIZATION, value.clone());
                Ok(())
            }
            Attached::Elsewhere(attachment) => Ok(attachment.apply_to(request)?),
        }
    }
}

impl From<Attachment> for Attached {
    fn from(attachment: Attachment) -> Self {
        match attachment {
            Attachment::Header { name, value } if name == AUTHORIZATION => {
                Self::Authorization(value)
            }
            attachment => Self::Elsewhere(Box::new(attachment)),
        }
    }
}

impl Attached {
    pub(crate) fn attachment(&self) -> Attachment {
        match self {
            Self::Authorization(value) => Attachment::Header {
                name: AUTHORIZATION,
                value: value.clone(),
            },
            Self::Elsewhere(attachment) => Attachment::clone(attachment),
        }
    }
}

/// There may be a million of them.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Snapshot>() <= 80);
