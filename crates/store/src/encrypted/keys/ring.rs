//! A keyring that is cached, and loaded again when its keys may have changed.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::super::keyring::{Keyring, KeyringError};
use super::source::KeySource;
use crate::StoreError;

/// A keyring and where it comes from.
#[derive(Debug)]
pub(super) struct Ring {
    cached: RwLock<Option<Arc<Keyring>>>,
    /// `None`: the keyring never changes.
    source: Option<Source>,
}

#[derive(Debug)]
struct Source {
    source: Box<dyn KeySource>,
    /// The lock lets one load run at a time.
    last: Mutex<Option<LastLoad>>,
}

/// The last load of a keyring.
#[derive(Debug)]
struct LastLoad {
    began: Instant,
    error: Option<Arc<KeyringError>>,
}

/// How old the last load may be.
#[derive(Clone, Copy)]
struct MaxAge {
    loaded: Duration,
    failed: Duration,
}

impl Ring {
    pub(super) fn fixed(keyring: Keyring) -> Self {
        Self {
            cached: RwLock::new(Some(Arc::new(keyring))),
            source: None,
        }
    }

    pub(super) fn loaded_from(source: impl KeySource) -> Self {
        let source = Source {
            source: Box::new(source),
            last: Mutex::new(None),
        };
        Self {
            cached: RwLock::new(None),
            source: Some(source),
        }
    }

    /// Returns the keyring, and loads it only if it was never loaded.
    pub(super) async fn keyring(&self, waits: Duration) -> Result<Arc<Keyring>, StoreError> {
        match (self.cached(), &self.source) {
            (Some(keyring), _) => Ok(keyring),
            (None, Some(source)) => self.load(source, waits, FIRST).await,
            (None, None) => Err(StoreError::keys("there is no keyring")),
        }
    }

    /// Returns the keyring, loaded again if it lacks the key `id` or is old.
    pub(super) async fn keyring_with(
        &self,
        id: &str,
        waits: Duration,
    ) -> Result<Arc<Keyring>, StoreError> {
        let (Some(keyring), Some(source)) = (self.cached(), &self.source) else {
            return self.keyring(waits).await;
        };
        let missing = keyring.find(id).is_none();
        match self
            .load(source, waits, if missing { MISSING } else { AGED })
            .await
        {
            // A key that is at hand is used. Whether a missing one exists is not known.
            Err(_) if !missing => Ok(keyring),
            loaded => loaded,
        }
    }

    /// Loads the keyring, unless the last load is young enough.
    async fn load(
        &self,
        source: &Source,
        waits: Duration,
        max_age: MaxAge,
    ) -> Result<Arc<Keyring>, StoreError> {
        let loaded = timeout(waits, self.load_alone(source, waits, max_age)).await;
        let error = match loaded {
            Ok(Ok(keyring)) => return Ok(keyring),
            Ok(Err(error)) => error,
            Err(_) => Arc::new(KeyringError::TimedOut { waited: waits }),
        };
        Err(if error.is_transient() {
            StoreError::unavailable(error)
        } else {
            StoreError::keys(error)
        })
    }

    async fn load_alone(
        &self,
        source: &Source,
        waits: Duration,
        max_age: MaxAge,
    ) -> Result<Arc<Keyring>, Arc<KeyringError>> {
        let mut last = source.last.lock().await;
        if let Some(last) = &*last {
            let age = last.began.elapsed();
            match (&last.error, self.cached()) {
                (Some(error), _) if age < max_age.failed => return Err(error.clone()),
                (None, Some(cached)) if age < max_age.loaded => return Ok(cached),
                _ => {}
            }
        }
        // If this future is dropped, the source hangs.
        *last = Some(LastLoad {
            began: Instant::now(),
            error: Some(Arc::new(KeyringError::TimedOut { waited: waits })),
        });
        let loaded = source.source.load().await;
        let loaded = loaded.map(Arc::new).map_err(Arc::new);
        if let Some(last) = &mut *last {
            last.error = loaded.as_ref().err().cloned();
        }
        if let Ok(keyring) = &loaded {
            *self.cached.write().unwrap_or_else(PoisonError::into_inner) = Some(keyring.clone());
        }
        loaded
    }

    fn cached(&self) -> Option<Arc<Keyring>> {
        let cached = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        cached.clone()
    }
}

/// Runs a blocking call next to the runtime's tasks.
pub(super) async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    let done = tokio::task::spawn_blocking(call).await;
    done.map_err(|_| KeyringError::Interrupted)?
}

/// No keyring is at hand.
const FIRST: MaxAge = MaxAge {
    loaded: Duration::MAX,
    failed: Duration::from_secs(1),
};

/// The keyring lacks a key.
const MISSING: MaxAge = MaxAge {
    loaded: Duration::from_secs(10),
    failed: Duration::from_secs(1),
};

/// The keyring has the key.
const AGED: MaxAge = MaxAge {
    loaded: Duration::from_secs(300),
    failed: Duration::from_secs(30),
};
