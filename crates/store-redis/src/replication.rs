//! Writes that wait for replicas.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::{Cmd, cmd};

use crate::server::{OpenError, Server};
use crate::settings::Settings;

/// The connection of the writes that wait for replicas.
pub(crate) struct Replicated {
    server: Server,
    min_replicas: u32,
    timeout: Duration,
    /// Whether the replicas are not known to have the last write.
    behind: AtomicBool,
}

impl Replicated {
    pub(crate) async fn open(settings: &Settings) -> Result<Self, OpenError> {
        Ok(Self {
            server: Server::open(settings).await?,
            min_replicas: settings.min_replicas,
            timeout: settings.replication_timeout,
            behind: AtomicBool::new(false),
        })
    }

    /// Notes how many replicas have all writes, and returns whether these are enough.
    pub(crate) fn note(&self, acknowledged: u32) -> bool {
        let enough = acknowledged >= self.min_replicas;
        self.behind.store(!enough, Ordering::Release);
        enough
    }

    pub(crate) fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Acquire)
    }

    /// The command that waits for the replicas.
    pub(crate) fn wait(&self) -> Cmd {
        let millis = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        let mut wait = cmd("WAIT");
        wait.arg(self.min_replicas).arg(millis);
        wait
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    pub(crate) fn min_replicas(&self) -> u32 {
        self.min_replicas
    }
}
