//! Writes that wait for replicas.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{Cmd, cmd};

use crate::layout::BUCKETS;
use crate::server::{OpenError, Server};
use crate::settings::Settings;

/// The connection of the writes that wait for replicas.
pub(crate) struct Replicated {
    server: Server,
    min_replicas: u32,
    timeout: Duration,
    /// A bit for each bucket of which the replicas are not known to have the last write. In a
    /// cluster, the replicas of one master do not answer for those of another.
    behind: AtomicU64,
}

impl Replicated {
    pub(crate) async fn open(settings: &Settings) -> Result<Self, OpenError> {
        Ok(Self {
            server: Server::open(settings).await?,
            min_replicas: settings.min_replicas,
            timeout: settings.replication_timeout,
            behind: AtomicU64::new(0),
        })
    }

    /// Notes how many replicas have all writes to a bucket, and returns whether these are enough.
    pub(crate) fn note(&self, bucket: u8, acknowledged: u32) -> bool {
        let enough = acknowledged >= self.min_replicas;
        if enough {
            self.behind.fetch_and(!bit(bucket), Ordering::AcqRel);
        } else {
            self.behind.fetch_or(bit(bucket), Ordering::AcqRel);
        }
        enough
    }

    pub(crate) fn is_behind(&self, bucket: u8) -> bool {
        self.behind.load(Ordering::Acquire) & bit(bucket) != 0
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

fn bit(bucket: u8) -> u64 {
    const { assert!(BUCKETS as u32 == u64::BITS) };
    1 << bucket
}
