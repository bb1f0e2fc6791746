//! The checked values of the options.

use std::time::Duration;

use redis::TlsCertificates;

use crate::RedisError;
use crate::url::Target;

/// The values of [`RedisOptions`](crate::RedisOptions), which documents them, with a parsed URL.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) target: Target,
    pub(crate) prefix: String,
    pub(crate) response_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) min_replicas: u32,
    pub(crate) replication_timeout: Duration,
    pub(crate) certificates: Option<TlsCertificates>,
    pub(crate) sentinel_login: Option<(String, String)>,
    pub(crate) allow_eviction: bool,
}

impl Settings {
    /// Checks what the setters accept without a look.
    pub(crate) fn check(&self) -> Result<(), RedisError> {
        let bad = |option, problem| Err(RedisError::BadOption { option, problem });
        if self.prefix.contains(['{', '}']) {
            let problem = "with braces, a record and its index would be in different cluster slots";
            return bad("prefix", problem);
        }
        for (option, timeout) in [
            ("response_timeout", self.response_timeout),
            ("connect_timeout", self.connect_timeout),
            // To Redis, 0 means forever.
            ("replication_timeout", self.replication_timeout),
        ] {
            if timeout < Duration::from_millis(1) {
                return bad(option, "it must be at least a millisecond");
            }
        }
        Ok(())
    }

    /// Returns the same settings, for reads and for writes that wait for no replica.
    pub(crate) fn without_replicas(&self) -> Self {
        Self {
            min_replicas: 0,
            ..self.clone()
        }
    }

    /// Returns how long an answer may take, with the wait for replicas.
    pub(crate) fn answer_timeout(&self) -> Duration {
        let waits = self.min_replicas > 0;
        let replication_timeout = waits.then_some(self.replication_timeout);
        self.response_timeout + replication_timeout.unwrap_or_default()
    }
}
