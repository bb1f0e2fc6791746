//! What is put to the test.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{Entry, Key, StoreError, TokenStore, Version};

/// A store under test and, where the test can move it, the clock that the store judges `keep_until` by.
///
/// Without a clock, the rules about time use times that are far away from now, and no test waits.
#[derive(Clone, Debug)]
pub struct Subject {
    store: Arc<dyn TokenStore>,
    clock: Option<ManualClock>,
}

impl Subject {
    /// A store whose time cannot be moved.
    pub fn new(store: impl TokenStore) -> Self {
        Self {
            store: Arc::new(store),
            clock: None,
        }
    }

    /// The same, with the clock that its store goes by.
    #[must_use]
    pub fn with_clock(mut self, clock: ManualClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn TokenStore> {
        &self.store
    }

    /// The time as the store sees it.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.clock
            .as_ref()
            .map_or_else(SystemTime::now, ManualClock::now)
    }

    /// Moves the store's clock on; `false` if it cannot be moved.
    #[must_use]
    pub fn advance(&self, by: Duration) -> bool {
        self.clock.as_ref().is_some_and(|clock| {
            clock.advance(by);
            true
        })
    }

    pub(super) async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.store.get(key).await
    }
}

impl<S: TokenStore> From<S> for Subject {
    fn from(store: S) -> Self {
        Self::new(store)
    }
}

/// A clock that stands still until it is moved. A clone shows the same time.
///
/// ```
/// use std::time::Duration;
/// use tokenkeeper_store::conformance::ManualClock;
///
/// let clock = ManualClock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), before + Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<SystemTime>>);

impl ManualClock {
    /// A clock at some whole second of the year 2027.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(
            UNIX_EPOCH + Duration::from_secs(1_800_000_000),
        )))
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

/// A key of the suite's own account `subject`.
pub(super) fn key(subject: &str) -> Key {
    Key::new("conformance", "https://provider.example", "client", subject)
        .expect("the suite's keys are valid")
}

/// An entry of a new version.
pub(super) fn entry(value: &'static str) -> Entry {
    Entry::new(Version::random(), value)
}
