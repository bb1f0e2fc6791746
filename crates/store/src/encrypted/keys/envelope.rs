//! A data key for each entry, wrapped by a key service.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::super::keyring::EncryptionKey;
use super::super::sealed::{self, SealedValue, WrappedName};
use super::ValueKey;
use super::cache::{DataKey, DataKeys};
use super::service::{KeyService, KeyServiceError, WrappedKey};
use crate::{Entry, Key, StoreError};

/// A key service and the data keys that are cached.
#[derive(Debug)]
pub(super) struct Envelope {
    service: Arc<dyn KeyService>,
    cached: Mutex<DataKeys>,
}

impl Envelope {
    pub(super) fn new(service: impl KeyService) -> Self {
        Self {
            service: Arc::new(service),
            cached: Mutex::new(DataKeys::new(CAPACITY)),
        }
    }

    pub(super) fn set_capacity(&self, most: usize) {
        self.lock().set_capacity(most);
    }

    pub(super) fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    /// Returns the data key of the entry. The service is asked only if none is cached.
    pub(super) async fn for_writing(
        &self,
        key: &Key,
        timeout: Duration,
    ) -> Result<ValueKey, StoreError> {
        let cached = self.lock().get(key);
        match cached {
            Some(cached) => Ok(value_key(cached)),
            None => self.renewed(key, timeout).await,
        }
    }

    /// Makes a new data key for the entry.
    pub(super) async fn renewed(
        &self,
        key: &Key,
        timeout: Duration,
    ) -> Result<ValueKey, StoreError> {
        let secret = EncryptionKey::random();
        let wrapped = in_time(timeout, self.service.wrap_key(&secret)).await?;
        let data_key = DataKey { wrapped, secret };
        self.lock().insert(key.clone(), data_key.clone());
        Ok(value_key(data_key))
    }

    /// Decrypts a value. `None`: the service can never unwrap its key, or the value does not open.
    pub(super) async fn open(
        &self,
        name: WrappedName<'_>,
        value: &SealedValue<'_>,
        key: &Key,
        entry: &Entry,
        timeout: Duration,
    ) -> Result<Option<Bytes>, StoreError> {
        let cached = self.lock().get(key).filter(|it| name.is(&it.wrapped));
        if let Some(cached) = cached {
            return Ok(value.open(&cached.secret, key, entry));
        }
        let Ok(wrapped) = WrappedKey::new(name.key_id, name.bytes.to_vec()) else {
            return Ok(None);
        };
        let secret = match asked(timeout, self.service.unwrap_key(&wrapped)).await {
            Ok(secret) => secret,
            Err(KeyServiceError::Invalid { .. }) => return Ok(None),
            Err(error) => return Err(store_error(error)),
        };
        let opened = value.open(&secret, key, entry);
        if opened.is_some() {
            // Only now is it known to be this entry's: what is cached also writes.
            self.lock().insert(key.clone(), DataKey { wrapped, secret });
        }
        Ok(opened)
    }

    /// Returns the id of the key that the service wraps with now.
    pub(super) async fn current_id(&self, timeout: Duration) -> Result<String, StoreError> {
        let secret = EncryptionKey::random();
        let wrapped = in_time(timeout, self.service.wrap_key(&secret)).await?;
        Ok(wrapped.key_id().to_owned())
    }

    fn lock(&self) -> MutexGuard<'_, DataKeys> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn value_key(data_key: DataKey) -> ValueKey {
    ValueKey {
        head: sealed::head_of_wrapped(&data_key.wrapped),
        secret: data_key.secret,
    }
}

async fn in_time<T>(
    timeout: Duration,
    call: impl Future<Output = Result<T, KeyServiceError>>,
) -> Result<T, StoreError> {
    asked(timeout, call).await.map_err(store_error)
}

async fn asked<T>(
    waited: Duration,
    call: impl Future<Output = Result<T, KeyServiceError>>,
) -> Result<T, KeyServiceError> {
    tokio::time::timeout(waited, call)
        .await
        .unwrap_or(Err(KeyServiceError::TimedOut { waited }))
}

/// Returns the store's error if the service fails. None of them says that an entry cannot be read.
fn store_error(error: KeyServiceError) -> StoreError {
    match error {
        KeyServiceError::Unavailable { .. } | KeyServiceError::TimedOut { .. } => {
            StoreError::unavailable(error)
        }
        KeyServiceError::Refused { .. } | KeyServiceError::Invalid { .. } => {
            StoreError::keys(error)
        }
    }
}

/// The default number of cached data keys.
const CAPACITY: usize = 10_000;
