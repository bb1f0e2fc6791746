//! Clusters and replicas.

use std::process::Command;
use std::time::Duration;

use crate::server::RedisServer;
use crate::support::until;

/// The node timeout, unless a test sets another: on a busy machine, a silent node may just be slow.
const LONG: Duration = Duration::from_secs(3600);

/// A cluster of three masters, at first without replicas.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<RedisServer>,
    pub(crate) replicas: Vec<RedisServer>,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        Self::of(RedisServer::start)
    }

    /// A cluster of servers that `start` starts with the given options.
    pub(crate) fn of(start: impl Fn(&[&str]) -> RedisServer) -> Self {
        let timeout = LONG.as_millis().to_string();
        let options = [
            "--cluster-enabled",
            "yes",
            "--cluster-node-timeout",
            &timeout,
        ];
        let nodes: Vec<RedisServer> = (0..3).map(|_| start(&options)).collect();
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let made = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .arg("--cluster-yes")
            .output()
            .expect("redis-cli, of the package redis-tools");
        let said = String::from_utf8_lossy(&made.stdout).into_owned();
        assert!(made.status.success(), "{said}");
        let cluster = Self {
            nodes,
            replicas: Vec::new(),
        };
        cluster.settle();
        cluster
    }

    /// Sets the node timeout of the running nodes.
    pub(crate) fn miss_after(&self, time: Duration) {
        let time = time.as_millis().to_string();
        for node in &self.nodes {
            let set = ["CONFIG", "SET", "cluster-node-timeout", &time];
            // A node that is down starts with its own option again.
            let _ = node.try_call::<String>(&set);
        }
    }

    /// Waits until every node considers the cluster complete, and all know each other.
    ///
    /// A node may be known to the others and not know them; if the node that named it to them dies,
    /// it never will. A master that becomes one before it knows a complete cluster refuses calls
    /// for seconds.
    pub(crate) fn settle(&self) {
        let count = self.nodes.len() + self.replicas.len();
        for node in self.nodes.iter().chain(&self.replicas) {
            until("a complete cluster", || {
                let info: String = node.call(&["CLUSTER", "INFO"]);
                let known: String = node.call(&["CLUSTER", "NODES"]);
                info.contains("cluster_state:ok")
                    && known.lines().count() == count
                    && known.lines().all(is_known)
            });
        }
    }

    /// Adds a replica of a node, and waits until it could take the node's place.
    pub(crate) fn add_replica(&mut self, node: usize) {
        let master = &self.nodes[node];
        let timeout = LONG.as_millis().to_string();
        let _: String = master.call(&["CONFIG", "SET", "repl-diskless-sync-delay", "0"]);
        let replica = RedisServer::start(&[
            "--cluster-enabled",
            "yes",
            "--cluster-node-timeout",
            &timeout,
            "--repl-diskless-sync-delay",
            "0",
        ]);
        let port = master.port.to_string();
        let _: String = replica.call(&["CLUSTER", "MEET", "127.0.0.1", &port]);
        let id: String = master.call(&["CLUSTER", "MYID"]);
        until("a replica that knows its master", || {
            let replicate = ["CLUSTER", "REPLICATE", &id];
            replica.try_call::<String>(&replicate).is_ok()
        });
        until("a replica that has caught up", || {
            let info: String = replica.call(&["INFO", "replication"]);
            info.contains("master_link_status:up")
        });
        self.replicas.push(replica);
        self.settle();
    }

    /// Returns the ids of the nodes.
    pub(crate) fn ids(&self) -> Vec<String> {
        let nodes = self.nodes.iter();
        nodes.map(|node| node.call(&["CLUSTER", "MYID"])).collect()
    }

    pub(crate) fn url(&self) -> String {
        let nodes: Vec<String> = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port))
            .collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// Lets the nodes that can be reached answer for their slots without the others.
    pub(crate) fn allow_gaps(&self) {
        for node in &self.nodes {
            let set = ["CONFIG", "SET", "cluster-require-full-coverage", "no"];
            let _: String = node.call(&set);
        }
    }

    /// Begins to move the slot of the hash tag to the node at `to`.
    pub(crate) fn begin_move(&self, tag: u8, to: usize) -> Move<'_> {
        let name = format!("{{{tag}}}");
        let slot: u64 = self.nodes[to].call(&["CLUSTER", "KEYSLOT", &name]);
        let moving = Move {
            cluster: self,
            slot: slot.to_string(),
            from: self.owner(tag),
            to,
        };
        let ids = self.ids();
        moving.set_slot(to, &["IMPORTING", &ids[moving.from]]);
        moving.set_slot(moving.from, &["MIGRATING", &ids[to]]);
        moving
    }

    /// Returns the index of the node with the slot of the hash tag `tag`.
    pub(crate) fn owner(&self, tag: u8) -> usize {
        let name = format!("{{{tag}}}");
        let owner = self.nodes.iter().position(|node| {
            node.try_call::<Option<String>>(&["GET", name.as_str()])
                .is_ok()
        });
        owner.expect("a complete cluster")
    }
}

/// A slot that moves from one node to another.
pub(crate) struct Move<'a> {
    cluster: &'a Cluster,
    slot: String,
    from: usize,
    to: usize,
}

impl Move<'_> {
    /// Returns the names in the slot that have not moved yet.
    pub(crate) fn names(&self) -> Vec<String> {
        let get = ["CLUSTER", "GETKEYSINSLOT", &self.slot, "10000"];
        self.cluster.nodes[self.from].call(&get)
    }

    /// Moves one name.
    pub(crate) fn take(&self, name: &str) {
        let port = self.cluster.nodes[self.to].port.to_string();
        let migrate = ["MIGRATE", "127.0.0.1", &port, name, "0", "60000"];
        let _: String = self.cluster.nodes[self.from].call(&migrate);
    }

    /// Moves the remaining names, and then the slot.
    pub(crate) fn finish(self) {
        for name in self.names() {
            self.take(&name);
        }
        let ids = self.cluster.ids();
        for node in [self.to, self.from, 3 - self.to - self.from] {
            self.set_slot(node, &["NODE", &ids[self.to]]);
        }
    }

    fn set_slot(&self, node: usize, words: &[&str]) {
        let command = [&["CLUSTER", "SETSLOT", &self.slot], words].concat();
        let _: String = self.cluster.nodes[node].call(&command);
    }
}

/// Returns whether a line of `CLUSTER NODES` shows a node with a connection and a known state.
fn is_known(line: &str) -> bool {
    let fields: Vec<&str> = line.split(' ').collect();
    let (flags, epoch, link) = (fields[2], fields[6], fields[7]);
    !flags.contains("handshake") && epoch != "0" && link == "connected"
}

/// Starts a replica of `master`, and waits until it has all data.
pub(crate) fn replica_of(master: &RedisServer) -> RedisServer {
    let port = master.port.to_string();
    // The master sends its data at once: without a disk, and without waiting for more replicas.
    let _: String = master.call(&["CONFIG", "SET", "repl-diskless-sync-delay", "0"]);
    let of = ["--replicaof", "127.0.0.1", &port];
    let replica = RedisServer::start(&[&of[..], &["--repl-diskless-sync-delay", "0"]].concat());
    until("a replica that has caught up", || {
        let info: String = replica.call(&["INFO", "replication"]);
        info.contains("master_link_status:up")
    });
    replica
}
