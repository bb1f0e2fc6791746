//! Servers that a sentinel watches.

use std::collections::HashMap;
use std::fs;
use std::time::Instant;

use tokenkeeper_store::StoreError;
use tokenkeeper_store_redis::{RedisOptions, RedisStore};

use crate::groups::replica_of;
use crate::server::RedisServer;
use crate::support::{LIMIT, patient, until};

/// The sentinel asks often, so that failovers are soon over. It takes no server for down because that is slow, and does not stop
/// deciding because it was itself slow (as it would after two seconds, for thirty): a machine that has much to do makes no difference.
const CONFIGURATION: &str = "
sentinel down-after-milliseconds main 3600000
sentinel failover-timeout main 60000
";
const PERIODS: &str = "info-period 1000 publish-period 250 tilt-trigger 3600000 tilt-period 1000 slave-reconf-timeout 1000";

/// A master, perhaps a replica of it, and a sentinel that watches both.
pub(crate) struct Watched {
    /// The first one is the master at the start.
    pub(crate) servers: Vec<RedisServer>,
    pub(crate) sentinel: RedisServer,
}

impl Watched {
    /// A master and a replica.
    pub(crate) fn start() -> Self {
        let master = RedisServer::start(&[]);
        let replica = replica_of(&master);
        Self::of(vec![master, replica])
    }

    /// A master that nobody can follow.
    pub(crate) fn start_alone() -> Self {
        Self::of(vec![RedisServer::start(&[])])
    }

    fn of(servers: Vec<RedisServer>) -> Self {
        let master = servers[0].port;
        let sentinel = RedisServer::start_program("redis-sentinel", &[], |directory, port, _| {
            let text = format!(
                "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor main 127.0.0.1 {master} 1\n{CONFIGURATION}",
                directory.display()
            );
            fs::write(directory.join("server.conf"), text).expect("a configuration file");
        });
        let set = ["SENTINEL", "DEBUG"].into_iter().chain(PERIODS.split(' '));
        // Redis 6.2 does not have it: there a failover takes half a minute.
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
        patient(&self.url())
    }

    pub(crate) async fn store(&self) -> RedisStore {
        opened(async || self.options().open_plaintext().await).await
    }

    /// The port of the master, as the sentinel sees it.
    pub(crate) fn master(&self) -> u16 {
        self.state()["port"].parse().expect("a port")
    }

    /// What the sentinel says of the master.
    pub(crate) fn state(&self) -> HashMap<String, String> {
        self.sentinel.call(&["SENTINEL", "MASTER", "main"])
    }

    /// Makes the replica the master once it has all that the master has, both living.
    pub(crate) fn fail_over(&self) {
        let before = self.master();
        self.replicate();
        self.promote();
        self.demoted(before);
    }

    /// Waits until the second server has all that the first one has, its master. `WAIT` would speak for its own connection alone.
    pub(crate) fn replicate(&self) {
        let written = replication(&self.servers[0], "master_repl_offset");
        until("a replica that has all", || {
            replication(&self.servers[1], "slave_repl_offset") >= written
        });
    }

    /// Cuts the replica off: what is written from here on is with the master alone.
    pub(crate) fn cut_off(&self) {
        self.replicate();
        self.servers[1].signal("STOP");
        let killed: u64 = self.servers[0].call(&["CLIENT", "KILL", "TYPE", "replica"]);
        assert_eq!(killed, 1);
    }

    /// The master dies, and the replica becomes the master with what it had when it was cut off.
    pub(crate) fn lose_master(&mut self) {
        self.servers[0].kill();
        self.servers[1].signal("CONT");
        self.promote();
        assert_eq!(self.master(), self.servers[1].port);
    }

    /// Waits until the server with this port, a master before, follows the present one.
    pub(crate) fn demoted(&self, port: u16) {
        let server = self.servers.iter().find(|server| server.port == port);
        let server = server.expect("a server of ours");
        until("an old master that follows the new", || {
            // The sentinel ends the connections of whom it demotes.
            server
                .try_call::<String>(&["INFO", "replication"])
                .is_ok_and(|info| {
                    info.contains("role:slave") && info.contains("master_link_status:up")
                })
        });
    }

    /// Makes the replica the master, whatever it has, and whether or not the master lives.
    fn promote(&self) {
        let before = self.state()["port"].clone();
        until("a new master", || {
            let state = self.state();
            let old = state["port"] == before;
            if old && !state["flags"].contains("failover_in_progress") {
                // It declines, or gives up later, where it has not heard from the replica for some seconds.
                let _ = self
                    .sentinel
                    .try_call::<String>(&["SENTINEL", "FAILOVER", "main"]);
            }
            !old
        });
    }
}

/// Opens a store, again where it cannot be done yet: the client gives a sentinel half a second to answer, which cannot be set.
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
