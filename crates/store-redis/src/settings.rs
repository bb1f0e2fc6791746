//! The checked values of the options.

use std::net::IpAddr;
use std::time::Duration;

use redis::TlsCertificates;

use crate::RedisError;
use crate::url::{Kind, Target};

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
    pub(crate) allow_unencrypted_network: bool,
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
        self.target.nodes.iter().try_for_each(|node| {
            // Sentinels name a server, to which the client connects on its own.
            let names_another = matches!(self.target.kind, Kind::Sentinel(_));
            self.check_encryption(node, names_another)
        })
    }

    /// Refuses a node beyond loopback without TLS, unless the options allow it.
    pub(crate) fn check_encryption(
        &self,
        (host, port): &(String, u16),
        names_another: bool,
    ) -> Result<(), RedisError> {
        let stays = is_loopback(host) && !names_another;
        if self.target.tls || self.allow_unencrypted_network || stays {
            return Ok(());
        }
        Err(RedisError::Unencrypted {
            node: format!("{host}:{port}"),
        })
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

/// Returns whether traffic to the host stays on this machine.
fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
