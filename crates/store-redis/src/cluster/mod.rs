//! A cluster: its nodes, and which of them has which bucket.
//!
//! The client of the redis crate is not used: when one node is away, it stops all calls while it
//! looks for the slots again. Here each node has its own connection, so that only calls to a node
//! that is away wait for it.

mod background;
mod node;
mod search;
mod slots;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::{Pipeline, Value};

use background::Background;
pub(crate) use node::Node;
use search::search;
use slots::{Redirection, Slots};

use crate::RedisError;
use crate::connect;
use crate::fault::Fault;
use crate::layout::BUCKETS;
use crate::settings::Settings;

/// A host and a port.
type Address = (String, u16);

/// How many redirections a call follows: one while slots move, more if they move again meanwhile.
const REDIRECTIONS: usize = 3;

/// The interval at which failing calls look for the slots again.
const REFRESH_INTERVAL: Duration = Duration::from_millis(100);

/// The connections to a cluster.
pub(crate) struct Cluster {
    settings: Settings,
    state: Mutex<State>,
    /// The task that looks for the slots again.
    refreshing: Background,
}

/// The known nodes.
struct State {
    /// Those of the URL, and those of the last answer with the slots; never empty.
    nodes: HashMap<Address, Arc<Node>>,
    /// The master of each bucket, if it is known.
    owners: Vec<Option<Arc<Node>>>,
    refreshed: Option<Instant>,
}

impl Cluster {
    /// A cluster with the nodes of the URL; [`refresh`](Self::refresh) connects.
    pub(crate) fn new(settings: &Settings) -> Result<Self, RedisError> {
        connect::check_crypto(&settings.target)?;
        let nodes = settings.target.nodes.iter().map(|address| {
            let node = Node::new(settings, address.clone())?;
            Ok((address.clone(), Arc::new(node)))
        });
        let nodes = nodes.collect::<Result<_, RedisError>>()?;
        Ok(Self {
            settings: settings.clone(),
            state: Mutex::new(State {
                nodes,
                owners: vec![None; usize::from(BUCKETS)],
                refreshed: None,
            }),
            refreshing: Background::default(),
        })
    }

    /// Sends the commands, all on names of one bucket, to the bucket's master.
    pub(crate) async fn call(
        self: &Arc<Self>,
        bucket: u8,
        commands: &Pipeline,
    ) -> Result<Vec<Value>, Fault> {
        let mut node = self.owner(bucket);
        let mut answer = node.call(commands).await;
        for _ in 0..REDIRECTIONS {
            let Some(redirection) = Redirection::of(&answer, node.host()) else {
                break;
            };
            answer = match redirection {
                Redirection::Moved(address) => {
                    node = self.node(address)?;
                    self.lock().owners[usize::from(bucket)] = Some(node.clone());
                    // Other buckets may have moved with it.
                    self.refresh_soon();
                    node.call(commands).await
                }
                Redirection::Ask(address) => self.node(address)?.ask(commands).await,
            };
        }
        let is_lost = answer.as_ref().is_err_and(|fault| fault.code().is_none());
        if is_lost || node.is_doubtful() {
            // A replica may have taken its place, which it cannot tell.
            self.refresh_soon();
        }
        answer
    }

    /// Returns the masters, each with those of the buckets that it has.
    pub(crate) fn masters(&self, buckets: &[u8]) -> Vec<(Arc<Node>, Vec<u8>)> {
        let mut masters: Vec<(Arc<Node>, Vec<u8>)> = Vec::new();
        for &bucket in buckets {
            let node = self.owner(bucket);
            match masters
                .iter_mut()
                .find(|(known, _)| Arc::ptr_eq(known, &node))
            {
                Some((_, its)) => its.push(bucket),
                None => masters.push((node, vec![bucket])),
            }
        }
        masters
    }

    /// Asks the nodes which of them has which slots.
    pub(crate) async fn refresh(&self) -> Result<(), Fault> {
        self.adopt(search(self.nodes()).await?)
    }

    /// Looks for the slots in the background, unless a task does or just did.
    pub(crate) fn refresh_soon(self: &Arc<Self>) {
        let just_did = |at: Instant| at.elapsed() < REFRESH_INTERVAL;
        if self.lock().refreshed.is_some_and(just_did) {
            return;
        }
        let (nodes, cluster) = (self.nodes(), Arc::downgrade(self));
        self.refreshing.run(async move {
            let slots = search(nodes).await;
            if let Some(cluster) = cluster.upgrade() {
                // If it fails, the next failing call tries again.
                let _ = slots.and_then(|slots| cluster.adopt(slots));
                cluster.lock().refreshed = Some(Instant::now());
            }
        });
    }

    /// Returns the master of a bucket; any node if it is unknown, which then redirects or refuses.
    fn owner(&self, bucket: u8) -> Arc<Node> {
        let state = self.lock();
        let known = state.owners[usize::from(bucket)].as_ref();
        let any = || {
            let owners = state.owners.iter().flatten();
            let mut nodes = owners.chain(state.nodes.values());
            nodes.find(|node| !node.is_doubtful())
        };
        let node = known.or_else(any).or_else(|| state.nodes.values().next());
        node.expect("a URL has a node").clone()
    }

    fn nodes(&self) -> Vec<Arc<Node>> {
        self.lock().nodes.values().cloned().collect()
    }

    fn node(&self, address: Address) -> Result<Arc<Node>, Fault> {
        let mut state = self.lock();
        if let Some(node) = state.nodes.get(&address) {
            return Ok(node.clone());
        }
        let node = Arc::new(Node::new(&self.settings, address.clone()).map_err(Fault::of_ours)?);
        state.nodes.insert(address, node.clone());
        Ok(node)
    }

    /// Takes over the nodes of an answer, and forgets the others but for those of the URL.
    fn adopt(&self, slots: Slots) -> Result<(), Fault> {
        let owners = slots.owners.into_iter();
        let owners = owners.map(|address| address.map(|address| self.node(address)).transpose());
        let owners = owners.collect::<Result<_, Fault>>()?;
        for replica in &slots.replicas {
            self.node(replica.clone())?;
        }
        let mut state = self.lock();
        state.owners = owners;
        let State { nodes, owners, .. } = &mut *state;
        nodes.retain(|address, node| {
            let is_known = self.settings.target.nodes.contains(address)
                || slots.replicas.contains(address)
                || owners
                    .iter()
                    .flatten()
                    .any(|owner| Arc::ptr_eq(owner, node));
            if !is_known {
                node.stop();
            }
            is_known
        });
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cluster {
    /// Shows of each node how many buckets it has, and why it does not answer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let nodes = state.nodes.iter().map(|((host, port), node)| {
            let owners = state.owners.iter().flatten();
            let buckets = owners.filter(|owner| Arc::ptr_eq(owner, node)).count();
            (format!("{host}:{port}"), (buckets, node.failure()))
        });
        f.debug_map().entries(nodes).finish()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.nodes().iter().for_each(|node| node.stop());
    }
}

fn unusable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::NotSent(std::io::Error::other(error).into())
}
