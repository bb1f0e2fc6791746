//! The part of an account that requests read.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Request, header::AUTHORIZATION};
use tokenkeeper_protocol::{Attachment, Error as AttachError};
use tokenkeeper_refresh::{EngineInstant, Record, TokenVersion};

use super::payload::Payload;

/// A token that may be sent, replaced as a whole on every change. For a request with a valid token,
/// only `fresh_until` and `replayable_only` decide.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Until then, a request takes the token without asking the machine.
    pub(crate) fresh_until: EngineInstant,
    /// Whether a request that cannot be replayed must ask the machine first.
    pub(crate) replayable_only: bool,
    pub(crate) version: TokenVersion,
    pub(crate) attached: Attached,
    /// The record of the token; `None` for a fixed token outside an engine.
    pub(crate) record: Option<Arc<Record<Payload>>>,
}

/// A token in the form in which a request carries it, in a compact form.
#[derive(Clone, Debug)]
pub(crate) enum Attached {
    /// The value of `Authorization`, which carries almost all tokens.
    Authorization(HeaderValue),
    /// Another header or a query parameter.
    Elsewhere(Box<Attachment>),
}

/// The version of the attached token, or the reason why it could not be attached. The error is
/// boxed, since every request returns this type.
pub type AttachResult = Result<TokenVersion, Box<AttachError>>;

impl Snapshot {
    /// Creates a snapshot of a fixed token outside an engine.
    pub(crate) fn forever(attachment: Attachment, version: TokenVersion) -> Self {
        Self {
            fresh_until: EngineInstant::NEVER,
            replayable_only: false,
            version,
            attached: attachment.into(),
            record: None,
        }
    }

    /// Returns whether it carries this token, so its attachment can be reused.
    pub(crate) fn carries(&self, payload: &Payload, version: TokenVersion) -> bool {
        let live = self.record.as_ref().and_then(|record| record.live());
        self.version == version
            && live.is_some_and(|live| live.payload.access_token == payload.access_token)
    }

    /// Attaches the token to a request.
    #[inline(always)]
    pub(crate) fn attach<B>(&self, request: &mut Request<B>) -> AttachResult {
        self.put_on(request)?;
        Ok(self.version)
    }

    /// Attaches the token. The result fits into a register; the version would go through memory,
    /// and its reads would stall on stores of another width.
    #[inline(always)]
    fn put_on<B>(&self, request: &mut Request<B>) -> Result<(), Box<AttachError>> {
        match &self.attached {
            Attached::Authorization(value) => {
                put_authorization(request.headers_mut(), value);
                Ok(())
            }
            Attached::Elsewhere(attachment) => Ok(attachment.apply_to(request)?),
        }
    }
}

/// Inserts the header. It has no type parameter, so it is compiled once, with the name and its hash
/// known within the map's code.
#[inline]
fn put_authorization(headers: &mut HeaderMap, value: &HeaderValue) {
    headers.insert(AUTHORIZATION, value.clone());
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

/// A process may hold a million snapshots.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Snapshot>() <= 80);
