//! A cluster: its nodes, and which of them has which bucket.
//!
//! The client of the redis crate is not used: when one node is away, it stops all calls while it
//! looks for the slots again. Here each node has its own connection, so that only calls to a node
//! that is away wait for it.

mod background;
mod node;
mod slots;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use redis::{Pipeline, Value};

use background::Background;
pub(crate) use node::Node;
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

/// How many nodes are asked for the slots at once: one that hangs delays nothing.
const ASKED_AT_ONCE: usize = 3;

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
        if let Err(fault) = &answer
            && fault.code().is_none()
        {
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

    /// Asks the nodes, until one answers, which of them has which slots.
    pub(crate) async fn refresh(&self) -> Result<(), Fault> {
        let mut nodes: Vec<Arc<Node>> = self.lock().nodes.values().cloned().collect();
        nodes.sort_by_key(|node| node.has_failed());
        let mut failure: Option<Fault> = None;
        for nodes in nodes.chunks(ASKED_AT_ONCE) {
            let asked = nodes.iter().map(|node| Slots::ask(node));
            let mut answers: FuturesUnordered<_> = asked.collect();
            while let Some(answer) = answers.next().await {
                match answer {
                    Ok(slots) => return self.adopt(slots),
                    // A refusal says more than a failure to connect.
                    Err(fault) if failure.is_none() || fault.code().is_some() => {
                        failure = Some(fault);
                    }
                    Err(_) => {}
                }
            }
        }
        Err(failure.unwrap_or_else(|| unusable("the cluster has no nodes")))
    }

    /// Looks for the slots in the background, unless a task does or just did.
    pub(crate) fn refresh_soon(self: &Arc<Self>) {
        let just_did = |at: Instant| at.elapsed() < REFRESH_INTERVAL;
        if self.lock().refreshed.is_some_and(just_did) {
            return;
        }
        let cluster = self.clone();
        self.refreshing.run(async move {
            // If it fails, the next failing call tries again.
            let _ = cluster.refresh().await;
            cluster.lock().refreshed = Some(Instant::now());
        });
    }

    /// Returns the master of a bucket; any node if it is unknown, which then redirects or refuses.
    fn owner(&self, bucket: u8) -> Arc<Node> {
        let state = self.lock();
        let known = state.owners[usize::from(bucket)].as_ref();
        let any = || {
            let owners = state.owners.iter().flatten();
            let mut nodes = owners.chain(state.nodes.values());
            nodes.find(|node| !node.has_failed())
        };
        let node = known.or_else(any).or_else(|| state.nodes.values().next());
        node.expect("a URL has a node").clone()
    }

    fn node(&self, address: Address) -> Result<Arc<Node>, Fault> {
        let mut state = self.lock();
        if let Some(node) = state.nodes.get(&address) {
            return Ok(node.clone());
        }
        let node = Arc::new(Node::new(&self.settings, address.clone()).map_err(unusable)?);
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
            self.settings.target.nodes.contains(address)
                || slots.replicas.contains(address)
                || owners
                    .iter()
                    .flatten()
                    .any(|owner| Arc::ptr_eq(owner, node))
        });
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unusable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::NotSent(std::io::Error::other(error).into())
}
