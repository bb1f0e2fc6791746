//! The record's bytes in the store: JSON, with a format number in front.

use serde::{Deserialize, Serialize};
use tokenkeeper_refresh::{Record, State};

use super::payload::{Payload, Shared};
use crate::error::RecordError;

/// 1 kept the tokens of a disconnect in its tombstone, and backoffs as times of day.
const FORMAT: u32 = 2;

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    record: &'a Record<Payload>,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Deserialize)]
struct Read {
    record: Record<Payload>,
}

pub(crate) fn encode(record: &Record<Payload>) -> Vec<u8> {
    let written = Written {
        format: FORMAT,
        record,
    };
    serde_json::to_vec(&written).expect("a record has string keys and serializes to memory")
}

/// Reads a record. One that a newer version wrote is an error, and is left as it is.
pub(crate) fn decode(bytes: &[u8], shared: &Shared) -> Result<Record<Payload>, RecordError> {
    let Format { format } = serde_json::from_slice(bytes).map_err(|e| damaged(&e))?;
    if format > FORMAT {
        return Err(RecordError::Newer {
            found: format,
            known: FORMAT,
        });
    }
    let Read { mut record } = serde_json::from_slice(bytes).map_err(|e| damaged(&e))?;
    if let State::Live(live) = &mut record.state {
        live.payload = live.payload.clone().shared(shared);
    }
    Ok(record)
}

/// Says where, never what: serde's own message may quote the value, and the value may be a token.
fn damaged(error: &serde_json::Error) -> RecordError {
    RecordError::Damaged {
        line: error.line(),
        column: error.column(),
    }
}
