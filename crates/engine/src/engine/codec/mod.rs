//! The encoding of records in the store: JSON with a format number.

use serde::{Deserialize, Serialize};
use tokenkeeper_refresh::{Record, State};

use super::payload::Payload;
pub(crate) use super::payload::Shared;
use crate::error::RecordError;

/// The current format. Format 1 kept the tokens of a disconnect in its tombstone, and backoffs as
/// times of day.
const FORMAT: u32 = 2;

/// A record as it is written.
#[derive(Serialize)]
struct EncodedRecord<'a> {
    format: u32,
    record: &'a Record<Payload>,
}

/// The format number of a stored record, which is read first.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// A record as it is read, once its format is known.
#[derive(Deserialize)]
struct DecodedRecord {
    record: Record<Payload>,
}

/// Encodes a record in the current format.
pub(crate) fn encode(record: &Record<Payload>) -> Vec<u8> {
    let encoded = EncodedRecord {
        format: FORMAT,
        record,
    };
    serde_json::to_vec(&encoded).expect("a record has string keys and serializes to memory")
}

/// Decodes a record.
///
/// # Errors
/// [`RecordError::Newer`] for the format of a newer version, [`RecordError::Damaged`] otherwise.
pub(crate) fn decode(bytes: &[u8], shared: &Shared) -> Result<Record<Payload>, RecordError> {
    let Format { format } = serde_json::from_slice(bytes).map_err(|e| damaged(&e))?;
    if format > FORMAT {
        return Err(RecordError::Newer {
            found: format,
            known: FORMAT,
        });
    }
    let DecodedRecord { mut record } = serde_json::from_slice(bytes).map_err(|e| damaged(&e))?;
    if let State::Live(live) = &mut record.state {
        live.payload = live.payload.clone().shared(shared);
    }
    Ok(record)
}

/// Keeps only the position of an error: serde's message may quote the value, which may be a token.
fn damaged(error: &serde_json::Error) -> RecordError {
    RecordError::Damaged {
        line: error.line(),
        column: error.column(),
    }
}

#[cfg(test)]
mod tests;
