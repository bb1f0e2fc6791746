//! Re-encryption of entries under an old key with the current one.

use super::keys::CurrentKey;
use super::{Encrypted, sealed};
use crate::{Entry, Filter, Key, Outcome, StoreError, TokenStore, Version};

/// The size of a page of keys.
const PAGE: usize = 500;

/// How often to try an entry that other processes keep writing with another key.
const TRIES: u32 = 4;

/// The result of [`Encrypted::reencrypt`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "entries that could not be moved still need the old key"]
pub struct Reencryption {
    /// The number of entries that were encrypted again.
    pub moved: u64,
    /// The number of entries that were already under the current key, or were removed meanwhile.
    pub current: u64,
    /// The keys of entries that cannot be decrypted, or that another process kept writing with
    /// another keyring. They are unchanged.
    pub left: Vec<Key>,
}

impl<S: TokenStore> Encrypted<S> {
    /// Encrypts every entry under an old key with the current one, so that the old key can be
    /// removed. It also moves entries between a keyring and the data keys of a
    /// [`KeyService`](crate::KeyService), or gives them new data keys after the service has
    /// another wrapping key.
    ///
    /// First give every process the new keyring: a process that still writes with the old key
    /// undoes the work, and one without the new key can no longer read. It may run next to
    /// them: an entry that another process writes meanwhile is left to that write. An entry
    /// gets a new [`Version`] and keeps everything else, so that the holder of a lease on it
    /// meets a conflict, finds its own state in it, and continues.
    ///
    /// It takes one listing per 500 entries, one read for each entry and one write for each that is
    /// moved, one entry at a time. The future may be dropped at any point, and the call repeated.
    ///
    /// ```
    /// # use tokenkeeper_store::{Encrypted, Keyring, StoreError, TokenStore};
    /// # async fn rotate(store: Encrypted<impl TokenStore>) -> Result<(), StoreError> {
    /// let done = store.reencrypt().await?;
    /// if done.left.is_empty() {
    ///     println!("{} entries moved; the old key can go", done.moved);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] from a store that does not list, or a backend that fails, also
    /// in part. An entry that cannot be decrypted is not an error, but in [`Reencryption::left`].
    pub async fn reencrypt(&self) -> Result<Reencryption, StoreError> {
        let current = self.keys.current().await?;
        let mut done = Reencryption::default();
        let mut cursor = None;
        loop {
            let page = self.store.list(Filter::All, cursor, PAGE).await?;
            for key in page.keys {
                match self.reencrypt_entry(&key, &current).await {
                    Ok(EntryOutcome::Moved) => done.moved += 1,
                    Ok(EntryOutcome::Current) => done.current += 1,
                    Ok(EntryOutcome::Contended) => done.left.push(key),
                    Err(error) if error.is_of_one_entry() => done.left.push(key),
                    Err(error) => return Err(error),
                }
            }
            if let Some(error) = page.unread.into_iter().next() {
                return Err(error);
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(done);
            }
        }
    }

    async fn reencrypt_entry(
        &self,
        key: &Key,
        current: &CurrentKey,
    ) -> Result<EntryOutcome, StoreError> {
        let mut there = self.store.get(key).await?;
        let mut written = None;
        for _ in 0..TRIES {
            let Some(sealed) = there.take() else {
                return Ok(EntryOutcome::Current);
            };
            if current.wrote(&sealed.value) {
                let ours = written == Some(sealed.version);
                return Ok(if ours {
                    EntryOutcome::Moved
                } else {
                    EntryOutcome::Current
                });
            }
            let expected = sealed.version;
            let entry = Entry {
                version: Version::random(),
                ..self.open(key, sealed).await?
            };
            written = Some(entry.version);
            let value = sealed::seal(&self.keys.renewed(key).await?, key, &entry)?;
            let sealed = Entry { value, ..entry };
            there = match self.store.put(key, &sealed, Some(expected)).await {
                Ok(Outcome::Applied) => return Ok(EntryOutcome::Moved),
                Ok(Outcome::Conflict(there)) => there,
                // Its version shows whether the write has landed.
                Err(StoreError::Ambiguous { .. }) => self.store.get(key).await?,
                Err(error) => return Err(error),
            };
        }
        Ok(EntryOutcome::Contended)
    }
}

/// The outcome for one entry.
enum EntryOutcome {
    Moved,
    Current,
    /// Other processes keep writing it with another key.
    Contended,
}
