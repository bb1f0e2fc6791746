//! The stream of events.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::SystemTime,
};

use futures_core::Stream;
use futures_util::stream;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{
    account::Account,
    engine::{AccountEvent, Core},
    episode::Episode,
    event::EventKind,
};

/// An event of an account, as [`Accounts::events`](crate::Accounts::events) yields it; see
/// [`EventKind`] for an example.
///
/// `Debug` shows the account's digest, never the subject.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The affected account.
    pub account: Account,
    /// What happened.
    pub kind: EventKind,
    /// When this process noticed it, by its clock.
    pub at: SystemTime,
}

/// The events of all accounts, as [`Accounts::events`](crate::Accounts::events) returns them.
///
/// The engine keeps the last 1024 events for its subscribers. One that is further behind misses the
/// oldest ones: [`missed`](Self::missed) counts them, and the log warns once. A subscriber that
/// never reads costs no more memory, and delays nothing.
///
/// The stream ends with the engine, which it does not keep alive.
///
/// ```
/// use futures_util::StreamExt as _;
/// use tokenkeeper_engine::protocol::TokenSet;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokenkeeper_engine::Error> {
/// # let accounts = tokenkeeper_test_support::World::amiqus().accounts;
/// let mut events = accounts.events();
/// for subject in 0..1100 {
///     let account = accounts.account("amiqus", &subject.to_string())?;
///     account.adopt(TokenSet::new("access-1")).await?;
/// }
/// let first = events.next().await.expect("the engine runs");
/// assert_eq!(events.missed(), 76);
/// assert_eq!(first.account.subject(), "76");
/// # Ok(()) }
/// ```
pub struct Events {
    missed: Arc<AtomicU64>,
    stream: Pin<Box<dyn Stream<Item = Event> + Send>>,
}

impl Events {
    pub(super) fn new(core: &Arc<Core>) -> Self {
        let missed = Arc::default();
        let subscriber = Subscriber {
            // A subscriber must not keep the engine alive.
            core: Arc::downgrade(core),
            receiver: core.events.subscribe(),
            lag: Episode::default(),
            missed: Arc::clone(&missed),
        };
        let stream = stream::unfold(subscriber, |mut subscriber| async {
            let event = subscriber.next().await?;
            Some((event, subscriber))
        });
        Self {
            missed,
            stream: Box::pin(stream),
        }
    }

    /// Returns the number of events that this subscriber has missed so far. They are counted when
    /// the event that follows them is read.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.stream.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("missed", &self.missed())
            .finish_non_exhaustive()
    }
}

struct Subscriber {
    core: Weak<Core>,
    receiver: Receiver<AccountEvent>,
    lag: Episode,
    missed: Arc<AtomicU64>,
}

impl Subscriber {
    async fn next(&mut self) -> Option<Event> {
        loop {
            match self.receiver.recv().await {
                Ok(AccountEvent { entry, kind, at }) => {
                    let core = self.core.upgrade()?;
                    if let Some(ended) = self.lag.note_success(core.time.now()) {
                        let (missed, lasted) = (ended.failures, ended.lasted);
                        tracing::info!(missed, ?lasted, "a subscriber misses no more events");
                    }
                    let account = Account::new(core, entry);
                    return Some(Event { account, kind, at });
                }
                Err(RecvError::Lagged(missed)) => {
                    self.missed.fetch_add(missed, Ordering::Relaxed);
                    let core = self.core.upgrade()?;
                    core.metrics.note_missed_events(missed);
                    if self.lag.note_failures(missed, core.time.now()) {
                        tracing::warn!(missed, "a subscriber misses events; they are counted");
                    }
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
