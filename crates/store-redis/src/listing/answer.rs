//! The answers of the script, and the page that they make.

use redis::Value;
use tokenkeeper_store::Key;

use super::position::Position;

/// The part of a page that one server has read.
pub(super) struct Answer {
    items: Vec<Item>,
    /// The last position, if there may be more items after it.
    end: Option<Position>,
    /// The buckets that the server has not, or not whole.
    pub(super) elsewhere: Vec<u8>,
}

/// A record and its place; without a key if it is damaged.
struct Item {
    position: Position,
    key: Option<Key>,
}

/// The items of a page.
pub(super) struct Merged {
    pub(super) keys: Vec<Key>,
    /// The last position, if there may be more items after it.
    pub(super) end: Option<Position>,
    /// The ids of the records without a readable key.
    pub(super) damaged: Vec<String>,
}

impl Answer {
    /// Reads an answer, in which items have due times or not; `None` if it is malformed.
    pub(super) fn parse(answer: Value, by_due: bool) -> Option<Self> {
        let Value::Array(answer) = answer else {
            return None;
        };
        let answer: [Value; 3] = answer.try_into().ok()?;
        let [last, Value::Array(found), Value::Array(elsewhere)] = answer else {
            return None;
        };
        let end = match last {
            Value::Array(last) if last.is_empty() => None,
            Value::Array(last) => {
                let [score, bucket, id]: [Value; 3] = last.try_into().ok()?;
                Some(position(&score, &bucket, &id, by_due)?)
            }
            _ => return None,
        };
        let elsewhere = elsewhere.iter().map(number::<u8>);
        let elsewhere: Vec<u8> = elsewhere.collect::<Option<_>>()?;
        let (found, []) = found.as_chunks::<4>() else {
            return None;
        };
        let items = found.iter().map(|[score, bucket, id, key]| {
            let position = position(score, bucket, id, by_due)?;
            let key = Key::from_bytes(bytes(key)?).ok();
            Some(Item { position, key })
        });
        let mut items: Vec<Item> = items.collect::<Option<_>>()?;
        // All of these come from the server that has them now.
        items.retain(|item| !elsewhere.contains(&item.position.bucket));
        Some(Self {
            items,
            end,
            elsewhere,
        })
    }
}

/// Merges the answers of all servers in the order of the positions.
///
/// The page ends where the first of the servers with more items ends, since that server's next item
/// comes before what the others have read after it.
pub(super) fn merge(answers: Vec<Answer>, limit: usize) -> Merged {
    let mut end = answers.iter().filter_map(|answer| answer.end.clone()).min();
    let mut items: Vec<Item> = answers
        .into_iter()
        .flat_map(|answer| answer.items)
        .collect();
    if let Some(end) = &end {
        items.retain(|item| item.position <= *end);
    }
    items.sort_unstable_by(|a, b| a.position.cmp(&b.position));
    if items.len() > limit {
        items.truncate(limit);
        end = items.last().map(|item| item.position.clone());
    }
    let mut merged = Merged {
        keys: Vec::with_capacity(items.len()),
        end,
        damaged: Vec::new(),
    };
    for item in items {
        match item.key {
            Some(key) => merged.keys.push(key),
            None => merged.damaged.push(item.position.id),
        }
    }
    merged
}

fn position(score: &Value, bucket: &Value, id: &Value, by_due: bool) -> Option<Position> {
    let score = if by_due { Some(number(score)?) } else { None };
    Position::new(score, number(bucket)?, bytes(id)?)
}

/// Reads a number, which Redis returns as itself or as text.
fn number<T: TryFrom<i64> + std::str::FromStr>(value: &Value) -> Option<T> {
    match value {
        Value::Int(number) => T::try_from(*number).ok(),
        value => str::from_utf8(bytes(value)?).ok()?.parse().ok(),
    }
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}
