//! The encoding of records in the store: JSON with a format number.

use serde::{Deserialize, Serialize};
use tokenkeeper_refresh::{Record, State};

use super::payload::{Payload, Shared};
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
mod tests {
    use tokenkeeper_protocol::TokenSet;
    use tokenkeeper_refresh::{Attempt, Authorization, Health, Id, Live, Login};

    use super::*;
    use crate::engine::payload::Terms;

    /// Rare fields are boxed in memory, but not nested in the text.
    #[test]
    fn a_record_is_flat_json() {
        let terms = Terms {
            redirect_uri: "https://app.example/callback".to_owned(),
            scope: None,
        };
        let tokens = TokenSet::new("at-1");
        let payload = Payload::new(tokens, terms);
        let shown = serde_json::to_string(&payload).unwrap();
        let id = Id([1; 16]);
        let authorization = Authorization { number: 7, id };
        let attempt = Attempt {
            id,
            holder: id,
            lease: 60,
            digest: 9,
        };
        let (id, mut record) = (id.to_string(), Record::empty());
        let mut live = Live::first(authorization, payload.clone());
        let login = format!(r#"{{"number":7,"id":"{id}"}}"#);
        let about = format!(
            r#""authorization":{login},"generation":1,"born_of":0,"presented":0,"tokens":{shown}"#
        );
        record.state = State::Live(live.clone());
        let rest = r#""unanswered":false,"health":"alive""#;
        let text = format!(r#"{{"format":2,"record":{{"state":{{"live":{{{about},{rest}}}}}}}}}"#);
        reads_as(&record, &text);

        live.unanswered = true;
        live.attempt = Some(Box::new(attempt));
        live.health = Health::Misconfigured(Vec::new());
        live.failures.count = 3;
        record.state = State::Live(live);
        record.login = Some(Login {
            authorization,
            attempt,
        });
        record.revoke.push(payload);
        record.revocation.pause = 5;
        let sent = format!(r#"{{"id":"{id}","holder":"{id}","lease":60,"digest":9}}"#);
        let failures = |count: u32, pause: u64| {
            format!(r#"{{"count":{count},"pause":{pause},"refused_since":null,"refused_for":0}}"#)
        };
        let condition = format!(
            r#""unanswered":true,"attempt":{sent},"health":{{"misconfigured":[]}},"failures":{}"#,
            failures(3, 0)
        );
        let pending =
            format!(r#""login":{{"authorization":{login},"attempt":{sent}}},"revoke":[{shown}]"#);
        let pending = format!(r#"{pending},"revocation":{}"#, failures(0, 5));
        let text = format!(
            r#"{{"format":2,"record":{{"state":{{"live":{{{about},{condition}}}}},{pending}}}}}"#
        );
        reads_as(&record, &text);
    }

    fn reads_as(record: &Record<Payload>, text: &str) {
        assert_eq!(String::from_utf8(encode(record)).unwrap(), text);
        let read = decode(text.as_bytes(), &Shared::default()).unwrap();
        assert_eq!(read, *record);
    }
}
