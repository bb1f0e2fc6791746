//! Claims of due entries.

use std::time::{Duration, SystemTime};

use redis::Value;
use tokenkeeper_store::{Key, StoreError, unix_millis};

use crate::backend::Backend;
use crate::layout::Place;
use crate::listing::LONGEST;
use crate::script::{CLAIM, Invocation};
use crate::server::Part;

/// Claims those of the keys that are due before `now` until `now + lasting`, and returns them.
///
/// # Errors
/// No server answers.
pub(crate) async fn claim(
    backend: &Backend,
    keys: &[Key],
    now: SystemTime,
    lasting: Duration,
) -> Result<Vec<Key>, StoreError> {
    let term = Term {
        now: unix_millis(now),
        end: now.checked_add(lasting).map_or(u64::MAX, unix_millis),
    };
    let mut claimed = Vec::new();
    let mut failure = None;
    let mut answered = keys.is_empty();
    // A script blocks the whole server.
    for keys in keys.chunks(LONGEST) {
        let places: Vec<Place> = keys.iter().map(|key| backend.layout.place(key)).collect();
        let mut parts = backend.server.parts();
        parts.retain(|part| places.iter().any(|place| part.has(place)));
        let invocation = |part: &Part| term.invocation(backend, &places, part);
        let answers = backend.server.invoke_each(&parts, invocation).await;
        for (part, answer) in parts.iter().zip(answers) {
            let keys = keys
                .iter()
                .zip(&places)
                .filter(|(_, place)| part.has(place));
            match answer {
                Ok(Value::Array(outcomes)) => {
                    answered = true;
                    if outcomes.contains(&Value::Int(-1)) {
                        backend.server.find_soon();
                    }
                    let outcomes = outcomes.iter().map(|outcome| *outcome == Value::Int(1));
                    let its = keys.zip(outcomes).filter(|(_, is_claimed)| *is_claimed);
                    claimed.extend(its.map(|((key, _), _)| key.clone()));
                }
                Ok(_) => failure = Some(backend.unexpected(part, "it answered no claims").into()),
                Err(fault) => failure = Some(backend.error(fault, part)),
            }
        }
    }
    match failure {
        Some(failure) if !answered => Err(failure),
        _ => Ok(claimed),
    }
}

/// The time of a claim, in milliseconds.
struct Term {
    now: u64,
    end: u64,
}

impl Term {
    /// Returns the call that claims those of the places that the part has.
    fn invocation(&self, backend: &Backend, places: &[Place], part: &Part) -> Invocation {
        let mut arguments = vec![
            backend.layout.prefix.clone(),
            self.now.to_string(),
            self.end.to_string(),
        ];
        for place in places.iter().filter(|place| part.has(place)) {
            arguments.extend([place.bucket.to_string(), place.id.clone()]);
        }
        let arguments = arguments.into_iter().map(String::into_bytes);
        Invocation::new(&CLAIM, Vec::new(), arguments.collect())
    }
}
