//! The record's bytes in the store: JSON, with a format number in front.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokenkeeper_protocol::TokenSet;

use super::{Record, Tokens};
use crate::error::RecordError;

const FORMAT: u32 = 1;

/// What an account holds: its tokens, and the terms on which they were granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) tokens: TokenSet,
    pub(crate) terms: Terms,
}

/// Redirect URI and scope of the authorization: a refresh uses these, not today's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Terms {
    pub(crate) redirect_uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
}

impl Tokens for Held {
    fn refresh_digest(&self) -> Option<u64> {
        let token = self.tokens.refresh_token.as_ref()?;
        let hash = Sha256::digest(token.expose().as_bytes());
        let mut short = [0; 8];
        short.copy_from_slice(&hash[..8]);
        Some(u64::from_be_bytes(short))
    }

    fn has_refresh_token(&self) -> bool {
        self.tokens.refresh_token.is_some()
    }
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    record: &'a Record<Held>,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Deserialize)]
struct Read {
    record: Record<Held>,
}

pub(crate) fn encode(record: &Record<Held>) -> Vec<u8> {
    let written = Written {
        format: FORMAT,
        record,
    };
    serde_json::to_vec(&written).expect("a record has string keys and serializes to memory")
}

/// Reads a record. One that a newer version wrote is an error, and is left as it is.
pub(crate) fn decode(bytes: &[u8]) -> Result<Record<Held>, RecordError> {
    let Format { format } = serde_json::from_slice(bytes).map_err(|e| damaged(&e))?;
    if format > FORMAT {
        return Err(RecordError::Newer {
            found: format,
            known: FORMAT,
        });
    }
    let Read { record } = serde_json::from_slice(bytes).map_err(|e| damaged(&e))?;
    Ok(record)
}

/// Says where, never what: serde's own message may quote the value, and the value may be a token.
fn damaged(error: &serde_json::Error) -> RecordError {
    RecordError::Damaged {
        line: error.line(),
        column: error.column(),
    }
}

/// 128-bit numbers as 32 hexadecimal digits: JSON numbers end at 53 bits in many readers.
pub(super) mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(value: &u128, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("{value:032x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<u128, D::Error> {
        let text = String::deserialize(d)?;
        u128::from_str_radix(&text, 16).map_err(|_| D::Error::custom("not a hexadecimal number"))
    }
}
