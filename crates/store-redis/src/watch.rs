//! Changes, as Redis tells of them.

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

use crate::connect::{self, Connector};
use crate::url::Kind;
use crate::{RedisError, RedisOptions};

/// How many changes a slow watcher may be behind before it misses some.
const BACKLOG: usize = 1024;

/// How often a silent connection is asked whether it still lives.
const PING: Duration = Duration::from_secs(10);

/// The task that listens, from when somebody watches first until the store is dropped.
pub(crate) struct Watch {
    options: RedisOptions,
    channel: String,
    running: Mutex<Option<Running>>,
}

struct Running {
    changes: broadcast::WeakSender<Change>,
    task: AbortHandle,
}

impl Watch {
    pub(crate) fn new(options: RedisOptions, channel: String) -> Self {
        Self {
            options,
            channel,
            running: Mutex::new(None),
        }
    }

    /// A stream of the changes; `None` outside of a runtime.
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
                let sources = Sources::new(&self.options).ok()?;
                let listening = listen(sources, self.channel.clone(), changes.clone());
                *running = Some(Running {
                    changes: changes.downgrade(),
                    task: runtime.spawn(listening).abort_handle(),
                });
                changes
            }
        };
        // It is a hint: who waits for a change also polls, so whoever fell behind goes on with what is left.
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

/// Where to listen. Each server of a cluster tells of the changes in all of it.
enum Sources {
    Nodes(Vec<Client>),
    Master(Connector),
}

impl Sources {
    fn new(options: &RedisOptions) -> Result<Self, RedisError> {
        let nodes = options.target.nodes.iter();
        Ok(match &options.target.kind {
            Kind::Standalone => Self::Master(Connector::new(options, None)?),
            Kind::Sentinel(master) => Self::Master(Connector::new(options, Some(master))?),
            Kind::Cluster => Self::Nodes(
                nodes
                    .map(|node| connect::client(options, node))
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

/// Listens for ever. While there is no connection changes are missed, for which watchers poll.
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

/// What is told of a change: the version that was written, or 16 zeros, and the key.
pub(crate) fn message(key: &Key, new: Option<&Entry>) -> Vec<u8> {
    let version = new.map_or([0; 16], |entry| entry.version.to_bytes());
    [&version[..], &key.to_bytes()].concat()
}

fn read(message: &[u8]) -> Option<Change> {
    let (version, key) = message.split_first_chunk()?;
    let version = (*version != [0; 16]).then(|| Version::from_bytes(*version));
    Some(Change::new(Key::from_bytes(key).ok()?, version))
}

/// Until the connection ends.
async fn pass_on(connection: PubSub, changes: &broadcast::Sender<Change>) {
    let (mut control, mut messages) = connection.split();
    let hear = async {
        while let Some(message) = messages.next().await {
            if let Some(change) = read(message.get_payload_bytes()) {
                // Nobody need be watching any more.
                let _ = changes.send(change);
            }
        }
    };
    // A server that is gone without a word is noticed by its silence.
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

/// How long to wait before the next connection: twice as long each time, to 2 s.
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
