//! The stores of a run, and what their servers count.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use tokenkeeper_benches::{RedisServer, free_port};
use tokenkeeper_engine::store::TokenStore;
use tokenkeeper_store_redis::RedisOptions;
use tokenkeeper_store_sqlite::SqliteStore;

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Redis,
    /// Three masters without replicas, which serve their slots without each other.
    Cluster,
    Sqlite,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Redis, Self::Cluster, Self::Sqlite];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redis => "Redis",
            Self::Cluster => "a cluster of three",
            Self::Sqlite => "SQLite",
        })
    }
}

/// A store that no earlier run has used.
pub(crate) struct Testbed {
    /// What a worker opens.
    pub(crate) store: String,
    servers: Vec<RedisServer>,
    /// The folder of an SQLite file or of the nodes' files, which is deleted in the end.
    _folder: Option<tempfile::TempDir>,
}

impl Testbed {
    /// Starts the servers; `None` where they are not installed.
    pub(crate) async fn start(kind: Kind) -> Option<Self> {
        let (store, servers, folder) = match kind {
            Kind::Redis => {
                let server = RedisServer::start().await?;
                (
                    format!("redis://127.0.0.1:{}", server.port),
                    vec![server],
                    None,
                )
            }
            Kind::Cluster => {
                let folder = tempfile::tempdir().expect("a folder for temporary files");
                let servers = start_cluster(folder.path()).await?;
                let nodes: Vec<_> = servers.iter().map(address).collect();
                (
                    format!("redis+cluster://{}", nodes.join(",")),
                    servers,
                    Some(folder),
                )
            }
            Kind::Sqlite => {
                let folder = tempfile::tempdir().expect("a folder for temporary files");
                let file = folder.path().join("tokens.sqlite");
                let file = file.to_str().expect("the path is UTF-8").to_owned();
                (file, Vec::new(), Some(folder))
            }
        };
        Some(Self {
            store,
            servers,
            _folder: folder,
        })
    }

    /// Kills one of a cluster's servers, and waits until the others have noticed.
    pub(crate) async fn kill_one(&mut self) {
        self.servers.pop();
        for server in &self.servers {
            while server
                .ask(&["CLUSTER", "INFO"])
                .contains("cluster_slots_fail:0")
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// Starts to count.
    pub(crate) fn counter(&self) -> Counter<'_> {
        for server in &self.servers {
            for command in [
                &["CONFIG", "RESETSTAT"][..],
                &["CONFIG", "SET", "slowlog-log-slower-than", "300"],
                &["CONFIG", "SET", "slowlog-max-len", "100000"],
                &["SLOWLOG", "RESET"],
            ] {
                let _ = server.ask(command);
            }
        }
        Counter {
            cpu: self.cpu(),
            testbed: self,
        }
    }

    /// Returns the processor time of all servers so far.
    fn cpu(&self) -> Duration {
        self.servers.iter().map(server_cpu).sum()
    }
}

/// Opens a store by the name that a testbed gave it.
pub(crate) async fn open(store: &str, response_timeout: Duration) -> Arc<dyn TokenStore> {
    if store.starts_with("redis") {
        let options = RedisOptions::new(store).response_timeout(response_timeout);
        Arc::new(options.open_plaintext().await.expect("Redis answers"))
    } else {
        let opened = SqliteStore::open_plaintext(store).await;
        Arc::new(opened.expect("the file can be opened"))
    }
}

/// Counts what the servers of a testbed do.
pub(crate) struct Counter<'t> {
    testbed: &'t Testbed,
    cpu: Duration,
}

/// What the servers did since the counter was made. All zero for SQLite, which has no server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) gets: usize,
    /// Calls of scripts, which write and list.
    pub(crate) scripts: usize,
    /// How often a server read what clients had sent: a pipeline is one round trip.
    pub(crate) round_trips: usize,
    pub(crate) cpu: Duration,
    /// The longest time for which a script held a server.
    pub(crate) longest: Duration,
}

impl Counter<'_> {
    pub(crate) fn read(&self) -> Counts {
        let servers = &self.testbed.servers;
        let cpu = self.testbed.cpu().saturating_sub(self.cpu);
        let of = |command| servers.iter().map(|server| server.calls(command)).sum();
        Counts {
            gets: of("get"),
            scripts: servers
                .iter()
                .map(|server| server.calls("evalsha") + server.calls("eval"))
                .sum(),
            round_trips: servers.iter().map(round_trips).sum(),
            cpu,
            longest: servers.iter().map(longest_script).max().unwrap_or_default(),
        }
    }
}

/// Starts three masters that share the slots.
async fn start_cluster(folder: &Path) -> Option<Vec<RedisServer>> {
    let mut servers = Vec::new();
    for _ in 0..3 {
        let bus = free_port().to_string();
        // Each node writes its own file.
        let file = folder.join(format!("nodes-{bus}.conf"));
        let file = file.to_str().expect("the path is UTF-8").to_owned();
        let arguments = [
            "--cluster-enabled",
            "yes",
            "--cluster-require-full-coverage",
            "no",
            "--cluster-node-timeout",
            "1000",
            "--cluster-port",
            &bus,
            "--cluster-config-file",
            &file,
        ];
        servers.push(RedisServer::start_with(&arguments).await?);
    }
    let nodes: Vec<_> = servers.iter().map(address).collect();
    let nodes: Vec<_> = nodes.iter().map(String::as_str).collect();
    let create = [&["--cluster", "create"][..], &nodes, &["--cluster-yes"]].concat();
    let _ = servers[0].ask(&create);
    for server in &servers {
        while !server
            .ask(&["CLUSTER", "INFO"])
            .contains("cluster_state:ok")
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Some(servers)
}

fn address(server: &RedisServer) -> String {
    format!("127.0.0.1:{}", server.port)
}

fn server_cpu(server: &RedisServer) -> Duration {
    let info = server.ask(&["INFO", "cpu"]);
    let of = |name: &str| {
        let found = info.lines().find_map(|line| line.strip_prefix(name));
        found.map_or(0.0, |seconds| seconds.trim().parse().expect("a number"))
    };
    Duration::from_secs_f64(of("used_cpu_sys:") + of("used_cpu_user:"))
}

/// Returns the number of reads, without those of a counter.
fn round_trips(server: &RedisServer) -> usize {
    let stats = server.ask(&["INFO", "stats"]);
    let reads = stats
        .lines()
        .find_map(|line| line.strip_prefix("total_reads_processed:"));
    let reads: usize = reads.map_or(0, |reads| reads.trim().parse().expect("a number"));
    reads.saturating_sub(OWN_READS)
}

/// The reads of a counter itself, before it asks for them.
const OWN_READS: usize = 9;

/// Returns the longest time of a script in the log of slow commands.
fn longest_script(server: &RedisServer) -> Duration {
    // Each entry is its number, its time, its length in microseconds, and the command's words.
    let log = server.ask(&["--json", "SLOWLOG", "GET", "-1"]);
    let entries: Vec<serde_json::Value> = serde_json::from_str(log.trim()).unwrap_or_default();
    let scripts = entries.iter().filter(|entry| {
        let name = entry[3][0].as_str().unwrap_or_default();
        name.to_ascii_lowercase().starts_with("eval")
    });
    let longest = scripts.filter_map(|entry| entry[2].as_u64()).max();
    Duration::from_micros(longest.unwrap_or_default())
}
