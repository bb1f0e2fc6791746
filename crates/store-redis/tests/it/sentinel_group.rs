//! Servers with a sentinel.

use std::collections::HashMap;
use std::fs;
use std::time::Instant;

use tokenkeeper_store::StoreError;
use tokenkeeper_store_redis::{RedisOptions, RedisStore};

use crate::groups::replica_of;
use crate::server::RedisServer;
use crate::support::{LIMIT, patient, until};

/// The sentinel polls often, so that failovers are quick. On a busy machine it neither considers a
/// slow server down, nor stops deciding because it was slow itself, which it otherwise does for 30
/// s.
const CONFIGURATION: &str = "
sentinel down-after-milliseconds main 3600000
sentinel failover-timeout main 60000
";
const PERIODS: &str = "info-period 1000 publish-period 250 tilt-trigger 3600000 \
                       tilt-period 1000 slave-reconf-timeout 1000";

/// A master, optionally with a replica, and a sentinel for both.
pub(crate) struct SentinelGroup {
    /// The first one is the master at the start.
    pub(crate) servers: Vec<RedisServer>,
    pub(crate) sentinel: RedisServer,
}

impl SentinelGroup {
    /// A master and a replica.
    pub(crate) fn start() -> Self {
        let master = RedisServer::start(&[]);
        let replica = replica_of(&master);
        Self::of(vec![master, replica])
    }

    /// A master without a replica.
    pub(crate) fn start_alone() -> Self {
        Self::of(vec![RedisServer::start(&[])])
    }

    fn of(servers: Vec<RedisServer>) -> Self {
        let master = servers[0].port;
        let sentinel = RedisServer::start_program("redis-sentinel", &[], |directory, port, _| {
            let text = format!(
                "port {port}\nbind 127.0.0.1\ndir {}\n\
                 sentinel monitor main 127.0.0.1 {master} 1\n{CONFIGURATION}",
                directory.display()
            );
            fs::write(directory.join("server.conf"), text).expect("a configuration file");
        });
        let set = ["SENTINEL", "DEBUG"].into_iter().chain(PERIODS.split(' '));
        // Redis 6.2 lacks the command: there a failover takes half a minute.
        let _ = sentinel.try_call::<String>(&set.collect::<Vec<_>>());
        let watched = Self { servers, sentinel };
        until("a sentinel that knows the replicas", || {
            let replicas: Vec<HashMap<String, String>> =
                watched.sentinel.call(&["SENTINEL", "REPLICAS", "main"]);
            replicas.len() + 1 == watched.servers.len()
                && replicas.iter().all(|replica| {
                    replica["flags"] == "slave" && replica["master-link-status"] == "ok"
                })
        });
        watched
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+sentinel://127.0.0.1:{}/main", self.sentinel.port)
    }

    pub(crate) fn options(&self) -> RedisOptions {
        patient(&self.url()).allow_unencrypted_network()
    }

    pub(crate) async fn store(&self) -> RedisStore {
        opened(async || self.options().open_plaintext().await).await
    }

    /// Returns the port of the master, as the sentinel sees it.
    pub(crate) fn master(&self) -> u16 {
        self.state()["port"].parse().expect("a port")
    }

    /// Returns the sentinel's state of the master.
    pub(crate) fn state(&self) -> HashMap<String, String> {
        self.sentinel.call(&["SENTINEL", "MASTER", "main"])
    }

    /// Makes the replica the master once it has every write, while both run.
    pub(crate) fn fail_over(&self) {
        let before = self.master();
        self.replicate();
        self.promote();
        self.demoted(before);
    }

    /// Waits until the replica has every write of its master. `WAIT` only covers its own
    /// connection.
    pub(crate) fn replicate(&self) {
        let written = replication(&self.servers[0], "master_repl_offset");
        until("a replica that has all", || {
            replication(&self.servers[1], "slave_repl_offset") >= written
        });
    }

    /// Cuts the replica off: later writes are only at the master.
    pub(crate) fn cut_off(&self) {
        self.replicate();
        self.servers[1].signal("STOP");
        let killed: u64 = self.servers[0].call(&["CLIENT", "KILL", "TYPE", "replica"]);
        assert_eq!(killed, 1);
    }

    /// Kills the master, and promotes the replica, without the writes since it was cut off.
    pub(crate) fn lose_master(&mut self) {
        self.servers[0].kill();
        self.servers[1].signal("CONT");
        self.promote();
        assert_eq!(self.master(), self.servers[1].port);
    }

    /// Waits until the old master at this port follows the new one.
    pub(crate) fn demoted(&self, port: u16) {
        let server = self.servers.iter().find(|server| server.port == port);
        let server = server.expect("a server of ours");
        until("an old master that follows the new", || {
            // The sentinel closes the connections of a demoted server.
            server
                .try_call::<String>(&["INFO", "replication"])
                .is_ok_and(|info| {
                    info.contains("role:slave") && info.contains("master_link_status:up")
                })
        });
    }

    /// Promotes the replica, whichever writes it has, and even if the master is down.
    fn promote(&self) {
        let before = self.state()["port"].clone();
        until("a new master", || {
            let state = self.state();
            let old = state["port"] == before;
            if old && !state["flags"].contains("failover_in_progress") {
                // It declines or gives up if it has not heard from the replica for some seconds.
                let _ = self
                    .sentinel
                    .try_call::<String>(&["SENTINEL", "FAILOVER", "main"]);
            }
            !old
        });
    }
}

/// Opens a store, and retries: the client waits half a second for a sentinel, which cannot be set.
pub(crate) async fn opened<T>(open: impl AsyncFn() -> Result<T, StoreError>) -> T {
    let start = Instant::now();
    loop {
        match open().await {
            Ok(store) => return store,
            Err(error) => assert!(error.is_transient() && start.elapsed() < LIMIT, "{error:?}"),
        }
    }
}

fn replication(server: &RedisServer, field: &str) -> u64 {
    let info: String = server.call(&["INFO", "replication"]);
    let value = info
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.map_or(0, |value| value.trim().parse().expect("a number"))
}
