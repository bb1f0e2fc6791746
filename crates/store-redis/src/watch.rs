//! Changes, as Redis publishes them.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::select;
use redis::aio::PubSub;
use redis::{Client, RedisResult};
use tokenkeeper_store::{BoxStream, Change, Entry, Key, Version};
use tokio::sync::broadcast;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_stream::{StreamExt as _, wrappers::BroadcastStream};

use crate::RedisError;
use crate::connect::{self, Connector};
use crate::settings::Settings;
use crate::url::Kind;

/// How many changes a slow watcher may lag behind before its stream ends.
const BACKLOG: usize = 8192;

/// The interval of pings, and how long an answer may take: a connection that is dead in silence is
/// lost after twice this time.
const PING: Duration = Duration::from_secs(10);

/// The subscription: a task that runs from the first watcher until the connection is lost or the
/// store is dropped. The next watcher starts another one.
pub(crate) struct Watch {
    settings: Settings,
    channel: String,
    /// The number of subscriptions so far, which goes through the nodes of a cluster.
    attempts: AtomicUsize,
    running: Mutex<Option<Running>>,
}

/// The running task of a subscription.
struct Running {
    changes: broadcast::WeakSender<Change>,
    task: AbortHandle,
}

impl Watch {
    pub(crate) fn new(settings: Settings, channel: String) -> Self {
        Self {
            settings,
            channel,
            attempts: AtomicUsize::new(0),
            running: Mutex::new(None),
        }
    }

    /// Returns a stream of the changes; `None` outside of a runtime.
    pub(crate) fn stream(&self) -> Option<BoxStream<'static, Change>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let there = running
            .as_ref()
            .and_then(|running| running.changes.upgrade());
        let changes = match there {
            Some(changes) => changes,
            None => {
                let runtime = tokio::runtime::Handle::try_current().ok()?;
                let changes = broadcast::Sender::new(BACKLOG);
                let sources = Sources::new(&self.settings).ok()?;
                let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
                let listening = listen(sources, attempt, self.channel.clone(), changes.clone());
                *running = Some(Running {
                    changes: changes.downgrade(),
                    task: runtime.spawn(listening).abort_handle(),
                });
                changes
            }
        };
        let changes = BroadcastStream::new(changes.subscribe());
        Some(Box::pin(changes.map_while(Result::ok)))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let running = self
            .running
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running {
            running.task.abort();
        }
    }
}

/// The servers to subscribe at. Each node of a cluster publishes the changes in the whole cluster.
enum Sources {
    Nodes(Vec<Client>),
    Master(Connector),
}

impl Sources {
    fn new(settings: &Settings) -> Result<Self, RedisError> {
        let nodes = settings.target.nodes.iter();
        Ok(match &settings.target.kind {
            Kind::Standalone => Self::Master(Connector::new(settings, None)?),
            Kind::Sentinel(master) => Self::Master(Connector::new(settings, Some(master))?),
            Kind::Cluster => Self::Nodes(
                nodes
                    .map(|node| connect::client(settings, node))
                    .collect::<Result<_, _>>()?,
            ),
        })
    }

    async fn connect(&self, attempt: usize) -> RedisResult<PubSub> {
        match self {
            Self::Master(connector) => connector.listen().await,
            Self::Nodes(nodes) => nodes[attempt % nodes.len()].get_async_pubsub().await,
        }
    }
}

/// Subscribes, and forwards changes until the connection is lost. Then all streams end.
async fn listen(
    sources: Sources,
    attempt: usize,
    channel: String,
    changes: broadcast::Sender<Change>,
) {
    let connected = timeout(PING, async {
        let mut connection = sources.connect(attempt).await?;
        connection.subscribe(&channel).await?;
        RedisResult::Ok(connection)
    });
    if let Ok(Ok(connection)) = connected.await {
        pass_on(connection, &changes).await;
    }
}

/// Returns the message for a change: the written version, or 16 zeros, and the key.
pub(crate) fn message(key: &Key, new: Option<&Entry>) -> Vec<u8> {
    let version = new.map_or([0; 16], |entry| entry.version.to_bytes());
    [&version[..], &key.to_bytes()].concat()
}

fn read(message: &[u8]) -> Option<Change> {
    let (version, key) = message.split_first_chunk()?;
    let version = (*version != [0; 16]).then(|| Version::from_bytes(*version));
    Some(Change::new(Key::from_bytes(key).ok()?, version))
}

/// Forwards changes until the connection ends.
async fn pass_on(connection: PubSub, changes: &broadcast::Sender<Change>) {
    let (mut control, mut messages) = connection.split();
    let hear = async {
        while let Some(message) = messages.next().await {
            if let Some(change) = read(message.get_payload_bytes()) {
                // Without watchers this fails.
                let _ = changes.send(change);
            }
        }
    };
    // A server that vanishes without closing the connection fails a ping.
    let live = async {
        loop {
            sleep(PING).await;
            match timeout(PING, control.ping::<redis::Value>()).await {
                Ok(Ok(_)) => {}
                _ => return,
            }
        }
    };
    select(pin!(hear), pin!(live)).await;
}
