//! Calls to the store.

use std::sync::Arc;

use tokenkeeper_store::{Entry, Outcome, StoreError, Version};

use super::Driver;
use crate::{
    Error,
    machine::{Stored, Write, Wrote},
    record::{self, Held},
};

impl Driver<'_> {
    pub(super) async fn read(&mut self) -> Result<Option<Stored<Held>>, Error> {
        let mark = self.slot.lock().changes.mark();
        let entry = match self.in_time(self.core.store.get(&self.slot.key())).await {
            Ok(entry) => entry,
            Err(source) => return Err(self.store_down(source)),
        };
        let found = entry.map(|entry| self.decode(&entry)).transpose()?;
        self.answered(mark, found.as_ref().map(|found| found.version));
        Ok(found)
    }

    pub(super) async fn write(&mut self, write: &Write<Held>) -> Wrote<Held> {
        let result = self.try_write(write).await;
        match result {
            Ok(wrote) => wrote,
            Err(error) => {
                tracing::warn!(account = %self.slot.digest(), %error, "a write to the store failed");
                self.store_error = Some(error);
                Wrote::Failed
            }
        }
    }

    async fn try_write(&mut self, write: &Write<Held>) -> Result<Wrote<Held>, Error> {
        let key = &self.slot.key();
        let mark = {
            let mut inner = self.slot.lock();
            inner.changes.meet(write.version);
            inner.changes.mark()
        };
        let outcome = match (&write.record, write.expected) {
            (Some(record), expected) => {
                let entry = self.entry(write.version, record);
                self.in_time(self.core.store.put(key, &entry, expected))
                    .await
            }
            (None, Some(expected)) => self.in_time(self.core.store.delete(key, expected)).await,
            (None, None) => Ok(Outcome::Applied),
        };
        let (wrote, version) = match outcome {
            Ok(Outcome::Applied) => {
                let version = write.record.is_some().then_some(write.version);
                (Wrote::Applied, version)
            }
            Ok(Outcome::Conflict(there)) => {
                let there = there.map(|there| self.decode(&there)).transpose()?;
                let version = there.as_ref().map(|there| there.version);
                (Wrote::Conflict(there), version)
            }
            Err(source) => return Err(self.store_down(source)),
        };
        self.answered(mark, version);
        Ok(wrote)
    }

    /// A store that hangs counts as one that failed; a write may then have landed, which its version will show.
    async fn in_time<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(self.slot.home.pace.store_limit(), call).await {
            Ok(result) => result,
            Err(elapsed) => Err(StoreError::ambiguous(elapsed)),
        }
    }

    /// The store has shown what it had after `mark`, and it could be read.
    fn answered(&mut self, mark: u32, version: Option<Version>) {
        self.heard = true;
        let mut inner = self.slot.lock();
        inner.changes.cover(mark, version);
        inner.over(|rare| rare.store_trouble = None);
    }

    fn decode(&self, entry: &Entry) -> Result<Stored<Held>, Error> {
        let record = record::decode(&entry.value).map_err(|source| {
            self.no_use(Error::Record {
                account: self.slot.digest(),
                source,
            })
        })?;
        Ok(Stored {
            version: entry.version,
            record,
        })
    }

    fn store_down(&self, source: StoreError) -> Error {
        self.no_use(Error::Store {
            account: self.slot.digest(),
            source: Arc::new(source),
        })
    }

    /// The store is of no use for this account, and is left alone for a while.
    fn no_use(&self, error: Error) -> Error {
        self.slot.store_failed(self.core, error.clone());
        error
    }
}
