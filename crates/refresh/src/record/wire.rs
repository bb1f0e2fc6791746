//! Reading records, including those of earlier versions.

use serde::{Deserialize, Deserializer};

use super::{Authorization, Cause, Failures, Health, Live, Login, Tombstone};
use crate::id::Id;

/// A record as it is read.
#[derive(Deserialize)]
pub(super) struct Record<T> {
    state: State<T>,
    #[serde(default)]
    login: Option<Login>,
    #[serde(default = "Vec::new")]
    revoke: Vec<T>,
    #[serde(default)]
    revocation: Failures,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum State<T> {
    Empty,
    Live(Live<T>),
    Ended(Ended<T>),
}

#[derive(Deserialize)]
struct Ended<T> {
    authorization: Authorization,
    generation: u64,
    /// Format 1 kept the tokens of a disconnect here.
    #[serde(default = "Option::default")]
    revoke: Option<T>,
}

impl<T> From<Record<T>> for super::Record<T> {
    fn from(read: Record<T>) -> Self {
        let mut revoke = read.revoke;
        let state = match read.state {
            State::Empty => super::State::Empty,
            State::Live(mut live) => {
                // Format 1 ended accounts because of refusals without a reason.
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
                })
            }
        };
        Self {
            state,
            login: read.login,
            revoke,
            revocation: read.revocation,
        }
    }
}

/// Format 1 kept one digest of a refused configuration.
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
