//! The serialized forms of records, including those of earlier versions.

use serde::{Deserialize, Deserializer};

use super::{
    Attempt, Authorization, Cause, Condition, Failures, Flow, Health, LastFailure, Login, Pending,
    Rare, Tombstone,
};
use crate::id::Id;

/// A serialized record.
#[derive(Deserialize)]
pub(super) struct Record<T> {
    state: State<T>,
    #[serde(default)]
    login: Option<Login>,
    #[serde(default = "Vec::new")]
    revoke: Vec<T>,
    #[serde(default)]
    revocation: Failures,
    #[serde(default)]
    used_flows: Vec<Flow>,
}

/// A serialized token set.
#[derive(Deserialize)]
pub(super) struct Live<T> {
    authorization: Authorization,
    generation: u64,
    born_of: u32,
    presented: u32,
    #[serde(rename = "tokens")]
    payload: T,
    unanswered: bool,
    #[serde(default)]
    attempt: Option<Box<Attempt>>,
    health: Health,
    #[serde(default)]
    failures: Failures,
    #[serde(default)]
    last_failure: Option<LastFailure>,
}

/// A serialized state.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", bound(deserialize = "T: Deserialize<'de>"))]
enum State<T> {
    Empty,
    Live(super::Live<T>),
    Ended(Ended<T>),
}

/// A serialized tombstone.
#[derive(Deserialize)]
struct Ended<T> {
    authorization: Authorization,
    generation: u64,
    #[serde(default)]
    forgotten: bool,
    /// The tokens to revoke, which format 1 kept here.
    #[serde(default = "Option::default")]
    revoke: Option<T>,
}

impl<T> From<Record<T>> for super::Record<T> {
    fn from(read: Record<T>) -> Self {
        let mut revoke = read.revoke;
        let state = match read.state {
            State::Empty => super::State::Empty,
            State::Live(mut live) => {
                // Format 1 marked accounts as dead after refusals without a reason.
                if live.health == Health::Dead(Cause::Unexplained) {
                    live.health = Health::Suspect(Cause::Unexplained);
                }
                super::State::Live(live)
            }
            State::Ended(ended) => {
                revoke.extend(ended.revoke);
                super::State::Ended(Tombstone {
                    authorization: ended.authorization,
                    generation: ended.generation,
                    forgotten: ended.forgotten,
                })
            }
        };
        Self {
            state,
            pending: Rare::new(Pending {
                login: read.login,
                revoke,
                revocation: read.revocation,
                used_flows: read.used_flows,
            }),
        }
    }
}

impl<T> From<Live<T>> for super::Live<T> {
    fn from(read: Live<T>) -> Self {
        Self {
            authorization: read.authorization,
            generation: read.generation,
            born_of: read.born_of,
            presented: read.presented,
            payload: read.payload,
            condition: Rare::new(Condition {
                unanswered: read.unanswered,
                attempt: read.attempt,
                health: read.health,
                failures: read.failures,
                last_failure: read.last_failure,
            }),
        }
    }
}

/// Reads the digests of refused configurations, of which format 1 kept only one.
pub(super) fn one_or_many<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Id>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        One(Id),
        Many(Vec<Id>),
    }
    Ok(match Either::deserialize(d)? {
        Either::One(one) => vec![one],
        Either::Many(many) => many,
    })
}
