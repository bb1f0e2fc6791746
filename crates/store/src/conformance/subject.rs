//! A store under test, and the hooks that its harness gives the rules.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::violation::{ensure, expect_entry};
use super::{ConnectionCutter, ManualClock, Violation};
use crate::{BoxStream, Change, Entry, Key, StoreError, TokenStore, Version};

/// How long an entry of an expiry rule is kept where the rule must wait for the system's clock.
const SHORT_LIFETIME: Duration = Duration::from_millis(100);

/// How far the clock of a server on this machine may be off.
const CLOCK_SKEW: Duration = Duration::from_millis(5);

const DAY: Duration = Duration::from_secs(86_400);

/// A fresh, empty store under test, with the hooks that the rules use.
///
/// Each hook is a setter. A rule whose hook is missing checks what it can without it, and passes;
/// only [`cutter_is_declared`](super::cutter_is_declared) asks for a decision between
/// [`with_cutter`](Self::with_cutter) and [`without_cutter`](Self::without_cutter).
///
/// ```
/// use tokenkeeper_store::conformance::{ManualClock, Subject};
/// # use tokenkeeper_store::{Entry, Key, Outcome, StoreError, TokenStore, Version};
/// # #[derive(Clone, Debug)]
/// # struct MyStore;
/// # impl MyStore {
/// #     fn with_clock(_: impl Fn() -> std::time::SystemTime) -> Self { Self }
/// # }
/// # #[async_trait::async_trait]
/// # impl TokenStore for MyStore {
/// #     async fn get(&self, _: &Key) -> Result<Option<Entry>, StoreError> { unimplemented!() }
/// #     async fn put(
/// #         &self,
/// #         _: &Key,
/// #         _: &Entry,
/// #         _: Option<Version>,
/// #     ) -> Result<Outcome, StoreError> {
/// #         unimplemented!()
/// #     }
/// #     async fn delete(&self, _: &Key, _: Version) -> Result<Outcome, StoreError> {
/// #         unimplemented!()
/// #     }
/// # }
///
/// async fn fresh() -> Subject {
///     let clock = ManualClock::new();
///     let time = clock.clone();
///     let store = MyStore::with_clock(move || time.now());
///     Subject::new(store.clone())
///         .with_peer(store)
///         .with_clock(clock)
///         .must_expire()
///         .must_list()
///         .must_list_by_due_time()
///         .must_claim()
///         .without_cutter()
/// }
/// ```
#[must_use = "a subject does nothing until a rule runs on it"]
pub struct Subject {
    // Fields are dropped in this order: the stores before what they need.
    store: Arc<dyn TokenStore>,
    peer: Option<Arc<dyn TokenStore>>,
    clock: Clock,
    connection: Connection,
    must_list: bool,
    must_list_by_due_time: bool,
    must_claim: bool,
    must_watch: bool,
    must_expire: bool,
    guard: Option<Box<dyn Any + Send + Sync>>,
}

/// The clock that the store judges `keep_until` by.
enum Clock {
    /// Unknown: rules use times that are far from now, and never wait.
    Unknown,
    /// The system's clock: rules wait for short lifetimes to pass.
    System,
    Manual(ManualClock),
}

/// The harness's declaration about the connection between the store and its backend.
enum Connection {
    Undeclared,
    /// The rules do not cut it.
    Uncut,
    Cut(Arc<dyn ConnectionCutter>),
}

impl Subject {
    /// A store without hooks.
    pub fn new(store: impl TokenStore) -> Self {
        Self {
            store: Arc::new(store),
            peer: None,
            clock: Clock::Unknown,
            connection: Connection::Undeclared,
            must_list: false,
            must_list_by_due_time: false,
            must_claim: false,
            must_watch: false,
            must_expire: false,
            guard: None,
        }
    }

    /// Adds another handle on the same entries, as another process would have.
    ///
    /// For a store on a server or in a file, open it a second time; otherwise a clone will do.
    pub fn with_peer(mut self, peer: impl TokenStore) -> Self {
        self.peer = Some(Arc::new(peer));
        self
    }

    /// Declares that the store judges `keep_until` by `clock`, which the rules then move.
    pub fn with_clock(mut self, clock: ManualClock) -> Self {
        self.clock = Clock::Manual(clock);
        self
    }

    /// Declares that the store judges `keep_until` by the system's clock, or by one that agrees
    /// with it to a few milliseconds, as a server on this machine does.
    ///
    /// The expiry rules then wait for a tenth of a second.
    pub fn with_system_clock(mut self) -> Self {
        self.clock = Clock::System;
        self
    }

    /// Adds the means to cut the connection between the store and its backend.
    pub fn with_cutter(mut self, cutter: impl ConnectionCutter) -> Self {
        self.connection = Connection::Cut(Arc::new(cutter));
        self
    }

    /// Declares that the rules cut no connection: the store has none, as in memory or in a file
    /// that the process itself writes, or its own tests cut it.
    pub fn without_cutter(mut self) -> Self {
        self.connection = Connection::Uncut;
        self
    }

    /// Declares that the store lists: [`StoreError::Unsupported`] then breaks the listing rules.
    pub fn must_list(mut self) -> Self {
        self.must_list = true;
        self
    }

    /// Declares that the store lists due entries in the order of their due times, the earliest
    /// first. Without it, the order is not checked.
    pub fn must_list_by_due_time(mut self) -> Self {
        self.must_list_by_due_time = true;
        self
    }

    /// Declares that the store keeps [claims](TokenStore::claim), and lists. Without it, claims
    /// need not hide anything.
    pub fn must_claim(mut self) -> Self {
        self.must_claim = true;
        self
    }

    /// Declares that the store can be watched: no stream then breaks the watch rules.
    pub fn must_watch(mut self) -> Self {
        self.must_watch = true;
        self
    }

    /// Declares that an entry is gone as soon as its `keep_until` has passed. Without it, a store
    /// may keep an expired entry for longer, as long as all methods agree on it.
    pub fn must_expire(mut self) -> Self {
        self.must_expire = true;
        self
    }

    /// Keeps `guard` for as long as the stores are in use: a temporary directory, a server.
    pub fn with_guard(mut self, guard: impl Any + Send + Sync) -> Self {
        self.guard = Some(Box::new(guard));
        self
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn TokenStore> {
        &self.store
    }

    /// Returns the time by the store's clock.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        match &self.clock {
            Clock::Manual(clock) => clock.now(),
            Clock::Unknown | Clock::System => SystemTime::now(),
        }
    }

    /// Moves the store's clock by `by`, and returns whether that is possible.
    #[must_use]
    pub(super) fn advance(&self, by: Duration) -> bool {
        match &self.clock {
            Clock::Manual(clock) => {
                clock.advance(by);
                true
            }
            Clock::Unknown | Clock::System => false,
        }
    }

    /// Returns for how long an entry must be kept so that a rule can see it expire, if it can.
    pub(super) fn lifetime(&self) -> Option<Duration> {
        match &self.clock {
            Clock::Unknown => None,
            Clock::System => Some(SHORT_LIFETIME),
            Clock::Manual(_) => Some(DAY),
        }
    }

    /// Returns whether the store's clock has certainly not reached `time`.
    pub(super) fn is_before(&self, time: SystemTime) -> bool {
        match &self.clock {
            Clock::Manual(clock) => clock.now() < time,
            Clock::Unknown | Clock::System => SystemTime::now() + CLOCK_SKEW < time,
        }
    }

    /// Lets the store's clock reach `time`.
    pub(super) async fn reach(&self, time: SystemTime) {
        while let Ok(left) = time.duration_since(self.now()) {
            if left.is_zero() || self.advance(left) {
                return;
            }
            tokio::time::sleep(left + CLOCK_SKEW).await;
        }
    }

    /// The other handle on the entries, or the store itself where the harness gave none.
    pub(super) fn peer(&self) -> &Arc<dyn TokenStore> {
        self.peer.as_ref().unwrap_or(&self.store)
    }

    pub(super) fn expires_in_time(&self) -> bool {
        self.must_expire
    }

    pub(super) fn lists(&self) -> bool {
        self.must_list
    }

    pub(super) fn lists_by_due_time(&self) -> bool {
        self.must_list_by_due_time
    }

    pub(super) fn claims(&self) -> bool {
        self.must_claim
    }

    /// Returns the cutter, if the harness gave one.
    pub(super) fn cutter(&self) -> Option<&Arc<dyn ConnectionCutter>> {
        match &self.connection {
            Connection::Cut(cutter) => Some(cutter),
            Connection::Undeclared | Connection::Uncut => None,
        }
    }

    pub(super) fn declares_cutter(&self) -> bool {
        !matches!(self.connection, Connection::Undeclared)
    }

    pub(super) async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.store.get(key).await
    }

    /// Checks that a put of a missing key is applied, and that `get` then returns its entry.
    pub(super) async fn expect_first_put(&self, key: &Key, entry: &Entry) -> Result<(), Violation> {
        let outcome = self.store.put(key, entry, None).await?;
        ensure!(
            outcome.is_applied(),
            "a put that expects no entry, of a missing key, was {outcome:?}"
        );
        let found = self.get(key).await?;
        expect_entry("after the put", found.as_ref(), Some(entry))
    }

    /// Returns a stream of changes, `None` if the store has none and need not have one.
    pub(super) fn watch(&self) -> Result<Option<BoxStream<'static, Change>>, Violation> {
        let changes = self.store.watch();
        ensure!(
            changes.is_some() || !self.must_watch,
            "the store cannot be watched, and must"
        );
        Ok(changes)
    }

    /// Drops all handles on the store, and returns what must outlive them.
    pub(super) fn close(self) -> impl Any {
        self.guard
    }
}

impl<S: TokenStore> From<S> for Subject {
    fn from(store: S) -> Self {
        Self::new(store)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// A key of the suite's own account `subject`.
pub(super) fn key(subject: &str) -> Key {
    Key::new("conformance", "https://provider.example", "client", subject)
        .expect("the suite's keys are valid")
}

/// An entry with a new version.
pub(super) fn entry(value: &'static str) -> Entry {
    Entry::new(Version::random(), value)
}
