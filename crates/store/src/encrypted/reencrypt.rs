//! Moving what was encrypted with an old key under the current one.

use super::{Encrypted, sealed};
use crate::{Entry, Filter, Key, Outcome, StoreError, TokenStore, Version};

/// How many keys are asked for at once.
const PAGE: usize = 500;

/// How often an entry is tried that others keep writing with another key than ours.
const TRIES: u32 = 4;

/// What [`Encrypted::reencrypt`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "entries that could not be moved still need the old key"]
pub struct Reencryption {
    /// Entries that were encrypted anew.
    pub moved: u64,
    /// Entries that were under the current key already, or were removed meanwhile.
    pub current: u64,
    /// Entries that do not open, or that somebody with another keyring kept writing. They are as they were.
    pub left: Vec<Key>,
}

impl<S: TokenStore> Encrypted<S> {
    /// Encrypts every entry that is under an old key with the current one, so that the old key can be removed.
    ///
    /// First give every process the new keyring: one that still writes with the old key undoes the work, and one that lacks the new
    /// key cannot read any more. It may run beside them: an entry that somebody else writes meanwhile is left to that write. An entry gets
    /// a new [`Version`] and keeps everything else, as by any other write, so that who holds a lease on it meets a conflict,
    /// finds its own state in it, and goes on.
    ///
    /// It costs one listing per 500 entries, one read for each entry and one write for each that is moved. One entry is under way at a
    /// time. It may be dropped at any point, and repeated: what is done stays done.
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
    /// [`StoreError::Unsupported`] from a store that does not list, and a backend that fails. An entry that does not open is no
    /// error: it is among [`Reencryption::left`].
    pub async fn reencrypt(&self) -> Result<Reencryption, StoreError> {
        let mut done = Reencryption::default();
        let mut cursor = None;
        loop {
            let page = self.store.list(Filter::All, cursor, PAGE).await?;
            for key in page.keys {
                match self.reencrypt_entry(&key).await {
                    Ok(Fate::Moved) => done.moved += 1,
                    Ok(Fate::Current) => done.current += 1,
                    Ok(Fate::Contended) => done.left.push(key),
                    Err(error) if is_about_the_entry(&error) => done.left.push(key),
                    Err(error) => return Err(error),
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(done);
            }
        }
    }

    async fn reencrypt_entry(&self, key: &Key) -> Result<Fate, StoreError> {
        let mut there = self.store.get(key).await?;
        let mut written = None;
        for _ in 0..TRIES {
            let Some(sealed) = there.take() else {
                return Ok(Fate::Current);
            };
            if sealed::is_current(&self.keyring, &sealed.value) {
                let ours = written == Some(sealed.version);
                return Ok(if ours { Fate::Moved } else { Fate::Current });
            }
            let expected = sealed.version;
            let entry = Entry {
                version: Version::random(),
                ..self.open(key, sealed)?
            };
            written = Some(entry.version);
            let value = sealed::seal(&self.keyring, key, &entry)?;
            let sealed = Entry { value, ..entry };
            there = match self.store.put(key, &sealed, Some(expected)).await {
                Ok(Outcome::Applied) => return Ok(Fate::Moved),
                Ok(Outcome::Conflict(there)) => there,
                // The write may have landed: its version tells.
                Err(StoreError::Ambiguous { .. }) => self.store.get(key).await?,
                Err(error) => return Err(error),
            };
        }
        Ok(Fate::Contended)
    }
}

enum Fate {
    Moved,
    Current,
    /// Others keep writing it with another key than ours.
    Contended,
}

/// The store works; it is this entry that cannot be moved.
fn is_about_the_entry(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Undecryptable { .. }
            | StoreError::NotEncrypted
            | StoreError::Corrupt { .. }
            | StoreError::NewerFormat { .. }
    )
}
