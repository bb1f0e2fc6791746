//! What listings and claims use: the server, the names in it, and its name in errors.

use tokenkeeper_store::StoreError;

use crate::RedisError;
use crate::fault::{Call, Fault};
use crate::layout::{BUCKETS, Layout};
use crate::server::{Part, Server};

/// The server or cluster, without the connection of writes that wait for replicas.
pub(crate) struct Backend {
    pub(crate) server: Server,
    pub(crate) layout: Layout,
    /// The URL without login and query.
    pub(crate) name: String,
}

impl Backend {
    /// Returns the error of a call to the server of a part, which wrote nothing of value.
    pub(crate) fn error(&self, fault: Fault, part: &Part) -> StoreError {
        fault.into_error(Call::Read, &self.part_name(part), self.server.moves())
    }

    /// Returns the error of an answer that has not the expected form.
    pub(crate) fn unexpected(&self, part: &Part, what: &'static str) -> RedisError {
        RedisError::Unexpected {
            server: self.part_name(part),
            source: what.into(),
        }
    }

    /// Returns the name of a part in errors: in a cluster, of the node and its part of the buckets.
    fn part_name(&self, part: &Part) -> String {
        match part.address() {
            None => self.name.clone(),
            Some((host, port)) => {
                let count = part.buckets.len();
                format!(
                    "{host}:{port} (with {count} of {BUCKETS} buckets of {})",
                    self.name
                )
            }
        }
    }
}
