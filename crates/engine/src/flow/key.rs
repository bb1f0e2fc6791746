//! The keys that seal flows.

use std::fmt;

use tokenkeeper_store::{EncryptionKey, Keyring};

/// The keys that seal flows: the current one, and old ones that only open.
///
/// All processes that serve the same callback must share them. To change the key, first give every
/// process the new one as an old key, then make it the current one everywhere, and drop the
/// previous one after [`Options::login_timeout`](crate::Options::login_timeout).
///
/// ```
/// use tokenkeeper_engine::{Accounts, FlowKey, store::Keyring};
/// use tokenkeeper_store_memory::MemoryStore;
///
/// // 32 random bytes from the application's secrets.
/// let secret = [7; 32];
/// let builder = Accounts::builder(MemoryStore::new()).flow_key(FlowKey::new(secret));
/// # drop(builder);
///
/// // Or text: `id:key` for each key, the current one first, here from a file or, with `from_env`,
/// // from the environment.
/// # let path = std::env::temp_dir().join(format!("flow-keys-{}", std::process::id()));
/// # std::fs::write(&path, "2026-02:SC4last5ZV4agqQ5ZjlTMQFOKg8TGiCbtIk4tEzspAw=")?;
/// let keyring = Keyring::from_file_readable_by_others(&path)?;
/// let builder = Accounts::builder(MemoryStore::new()).flow_key(keyring);
/// # drop(builder);
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct FlowKey {
    /// The current one first; never empty.
    keys: Vec<EncryptionKey>,
}

impl FlowKey {
    /// Creates a key from 256 random bits.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self {
            keys: vec![EncryptionKey::from(key)],
        }
    }

    /// Adds a key that only opens flows.
    #[must_use]
    pub fn with_old(mut self, key: [u8; 32]) -> Self {
        self.keys.push(EncryptionKey::from(key));
        self
    }

    pub(super) fn current(&self) -> &EncryptionKey {
        &self.keys[0]
    }

    /// Returns all keys, the current one first.
    pub(super) fn all(&self) -> impl Iterator<Item = &EncryptionKey> {
        self.keys.iter()
    }

    pub(crate) fn random() -> Self {
        Self {
            keys: vec![EncryptionKey::random()],
        }
    }
}

/// The ids are not used: a flow is short-lived, and each key is tried.
impl From<Keyring> for FlowKey {
    fn from(keyring: Keyring) -> Self {
        Self {
            keys: keyring.keys().cloned().collect(),
        }
    }
}

impl fmt::Debug for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlowKey([redacted])")
    }
}
