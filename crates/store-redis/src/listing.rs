//! Pages of keys.
//!
//! A cursor is a letter for its listing, the bucket, and score (8 bytes) and id of the last item
//! seen in it, if any, so that items added or removed between two pages shift nothing.

use redis::Value;
use tokenkeeper_store::{Cursor, Filter, Key, Page, StoreError, unix_millis};

use crate::layout::{BUCKETS, ID, Layout};
use crate::script::{Invocation, LIST};

/// The longest page: a script blocks the whole server.
const LONGEST: usize = 1000;

/// A page to read: of which listing, and after which item.
pub(crate) struct Listing {
    letter: u8,
    set: &'static str,
    before: Option<u64>,
    bucket: u8,
    after: Option<(u64, String)>,
}

impl Listing {
    /// # Errors
    /// A cursor of another listing, or an unknown filter.
    pub(crate) fn new(filter: Filter, cursor: Option<&Cursor>) -> Result<Self, StoreError> {
        let (letter, set, before) = match filter {
            Filter::All => (b'k', "keys", None),
            Filter::Attention => (b'a', "attention", None),
            Filter::DueBefore(time) => (b'd', "due", Some(unix_millis(time))),
            _ => return Err(StoreError::Unsupported("this filter")),
        };
        let (bucket, after) = match cursor {
            None => (0, None),
            Some(cursor) => read(cursor.as_bytes(), letter).ok_or_else(|| {
                StoreError::other("the cursor is not one of this listing: start over without one")
            })?,
        };
        Ok(Self {
            letter,
            set,
            before,
            bucket,
            after,
        })
    }

    /// Returns the call for the page, over one bucket or over all remaining ones.
    pub(crate) fn invocation(&self, layout: &Layout, limit: usize, one_bucket: bool) -> Invocation {
        let last = if one_bucket { self.bucket } else { BUCKETS - 1 };
        let text = |number: Option<u64>| number.map_or_else(String::new, |n| n.to_string());
        let (score, id) = match &self.after {
            Some((score, id)) => (text(Some(*score)), id.clone()),
            None => (String::new(), String::new()),
        };
        let arguments = [
            layout.prefix.clone(),
            self.set.to_owned(),
            self.bucket.to_string(),
            last.to_string(),
            id,
            score,
            text(self.before),
            limit.clamp(1, LONGEST).to_string(),
        ];
        let keys = vec![format!("{}{}", layout.base(self.bucket), self.set)];
        Invocation::new(&LIST, keys, arguments.map(String::into_bytes).into())
    }

    /// Reads the script's answer; `None` if it is malformed.
    pub(crate) fn page(&self, answer: Value, one_bucket: bool) -> Option<Page> {
        let Value::Array(answer) = answer else {
            return None;
        };
        let answer: [Value; 4] = answer.try_into().ok()?;
        let [Value::Int(bucket), id, score, Value::Array(keys)] = answer else {
            return None;
        };
        let keys = keys
            .into_iter()
            .map(|key| match key {
                Value::BulkString(bytes) => Key::from_bytes(&bytes).ok(),
                _ => None,
            })
            .collect::<Option<Vec<Key>>>()?;
        let next = if let Ok(bucket) = u8::try_from(bucket) {
            let score = text(score)?;
            let score = if score.is_empty() {
                0
            } else {
                score.parse().ok()?
            };
            Some(self.cursor(bucket, Some((score, text(id)?))))
        } else if one_bucket && self.bucket + 1 < BUCKETS {
            Some(self.cursor(self.bucket + 1, None))
        } else {
            None
        };
        Some(Page::new(keys, next))
    }

    fn cursor(&self, bucket: u8, after: Option<(u64, String)>) -> Cursor {
        let mut bytes = vec![self.letter, bucket];
        if let Some((score, id)) = after {
            bytes.extend_from_slice(&score.to_be_bytes());
            bytes.extend_from_slice(id.as_bytes());
        }
        Cursor::new(bytes)
    }
}

fn read(bytes: &[u8], letter: u8) -> Option<(u8, Option<(u64, String)>)> {
    let [found, bucket, rest @ ..] = bytes else {
        return None;
    };
    if *found != letter || *bucket >= BUCKETS {
        return None;
    }
    if rest.is_empty() {
        return Some((*bucket, None));
    }
    let (score, id) = rest.split_first_chunk::<8>()?;
    let id = str::from_utf8(id).ok()?;
    let valid = id.len() == ID && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| (*bucket, Some((u64::from_be_bytes(*score), id.to_owned()))))
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}
