//! Changes, as Redis publishes them.

use std::pin::pin;
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

/// How many changes a slow watcher may lag behind before it misses the oldest.
const BACKLOG: usize = 1024;

/// The interval of pings on a silent connection.
const PING: Duration = Duration::from_secs(10);

/// The subscription: a task that runs from the first watcher until the store is dropped.
pub(crate) struct Watch {
    settings: Settings,
    channel: String,
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
                let listening = listen(sources, self.channel.clone(), changes.clone());
                *running = Some(Running {
                    changes: changes.downgrade(),
                    task: runtime.spawn(listening).abort_handle(),
                });
                changes
            }
        };
        // A change is a hint, and waiters also poll: one that lags goes on with the rest.
        let changes = BroadcastStream::new(changes.subscribe());
        Some(Box::pin(changes.filter_map(Result::ok)))
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

/// Forwards changes forever. Those while there is no connection are missed.
async fn listen(sources: Sources, channel: String, changes: broadcast::Sender<Change>) {
    let mut pause = Pause::default();
    for attempt in 0.. {
        let connected = timeout(PING, async {
            let mut connection = sources.connect(attempt).await?;
            connection.subscribe(&channel).await?;
            RedisResult::Ok(connection)
        });
        if let Ok(Ok(connection)) = connected.await {
            pause = Pause::default();
            pass_on(connection, &changes).await;
        }
        sleep(pause.next()).await;
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

/// The pause before the next connection attempt: it doubles each time, up to 2 s.
struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(Duration::from_millis(50))
    }
}

impl Pause {
    fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = (now * 2).min(Duration::from_secs(2));
        now
    }
}
