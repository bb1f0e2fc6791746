//! The errors of a store.

/// The source of an error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// The error of a call to a store.
///
/// No variant shows a value, a subject or an encryption key. [`is_transient`](Self::is_transient)
/// and [`advice`](Self::advice) return what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached or is busy. The call did nothing.
    #[error("the store is unavailable; nothing was done, try again later")]
    Unavailable {
        /// The backend's error.
        #[source]
        source: BoxError,
    },
    /// The call timed out or was cut after it was sent: the write may have been made. Read back and
    /// compare versions.
    #[error("the store did not confirm the write; read back and compare the version")]
    Ambiguous {
        /// The backend's error.
        #[source]
        source: BoxError,
    },
    /// The store is at its limit and takes no new key. Existing keys can still be written.
    #[error("the store is full and takes no new account: raise its limit or remove accounts")]
    Full,
    /// The store never supports this.
    #[error("the store does not support {0}")]
    Unsupported(&'static str),
    /// The store can be read but not written, until a person changes that.
    #[error("the store is read-only: check its permissions, or connect to the writable one")]
    ReadOnly {
        /// The backend's error.
        #[source]
        source: BoxError,
    },
    /// An encrypted entry cannot be decrypted: the keyring lacks its key or has another one under
    /// its id, or the entry was moved from another account or damaged. It was not overwritten.
    #[error(
        "{}; nothing was overwritten",
        explain_undecryptable(key_id, known_ids)
    )]
    Undecryptable {
        /// The id of the key in the entry.
        key_id: String,
        /// The ids of the keys that this process has.
        known_ids: Vec<String>,
    },
    /// The keys of an encrypted store cannot be used, until a person changes that. The call did
    /// nothing.
    #[error("the keys of the encrypted store cannot be used; nothing was done")]
    Keys {
        /// The error of the keyring or of the key service, with the remedy.
        #[source]
        source: BoxError,
    },
    /// An entry in an encrypted store is not encrypted. It was not overwritten.
    #[error("an entry in an encrypted store is not encrypted; nothing was overwritten")]
    NotEncrypted,
    /// The stored data cannot be read. It was not overwritten.
    #[error("the stored data cannot be read; nothing was overwritten")]
    Corrupt {
        /// The reason.
        #[source]
        source: BoxError,
    },
    /// The stored data was written by a newer version of this software. It was not overwritten.
    #[error(
        "the stored data has format {found}, and this version reads up to {supported}; \
         update this software; nothing was overwritten"
    )]
    NewerFormat {
        /// The format found.
        found: u32,
        /// The newest format known here.
        supported: u32,
    },
    /// Another failure.
    #[error("the store failed")]
    Other {
        /// The backend's error.
        #[source]
        source: BoxError,
    },
}

impl StoreError {
    /// Returns whether the error concerns one entry, which cannot be read, and not the store.
    #[must_use]
    pub const fn is_of_one_entry(&self) -> bool {
        matches!(
            self,
            Self::Undecryptable { .. }
                | Self::NotEncrypted
                | Self::Corrupt { .. }
                | Self::NewerFormat { .. }
        )
    }

    /// Creates an [`Unavailable`](Self::Unavailable).
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable {
            source: source.into(),
        }
    }

    /// Creates an [`Ambiguous`](Self::Ambiguous).
    pub fn ambiguous(source: impl Into<BoxError>) -> Self {
        Self::Ambiguous {
            source: source.into(),
        }
    }

    /// Creates a [`Keys`](Self::Keys).
    pub fn keys(source: impl Into<BoxError>) -> Self {
        Self::Keys {
            source: source.into(),
        }
    }

    /// Creates a [`ReadOnly`](Self::ReadOnly).
    pub fn read_only(source: impl Into<BoxError>) -> Self {
        Self::ReadOnly {
            source: source.into(),
        }
    }

    /// Creates a [`Corrupt`](Self::Corrupt).
    pub fn corrupt(source: impl Into<BoxError>) -> Self {
        Self::Corrupt {
            source: source.into(),
        }
    }

    /// Creates an [`Other`](Self::Other).
    pub fn other(source: impl Into<BoxError>) -> Self {
        Self::Other {
            source: source.into(),
        }
    }

    /// Returns whether the same call may succeed later without intervention.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Ambiguous { .. })
    }

    /// Returns what to do now.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::Unavailable { .. } => Advice::Retry,
            Self::Ambiguous { .. } => Advice::ReadBack,
            Self::Full
            | Self::Unsupported(_)
            | Self::ReadOnly { .. }
            | Self::Undecryptable { .. }
            | Self::Keys { .. }
            | Self::NotEncrypted
            | Self::NewerFormat { .. } => Advice::FixConfiguration,
            Self::Corrupt { .. } | Self::Other { .. } => Advice::GiveUp,
        }
    }
}

fn explain_undecryptable(key_id: &str, known_ids: &[String]) -> String {
    if known_ids.iter().any(|known| known == key_id) {
        return format!(
            "an entry does not open with the key {key_id:?}: this process has another key under \
             this id, or the entry was moved or damaged"
        );
    }
    format!(
        "an entry is encrypted with the key {key_id:?}, and this process has {known_ids:?}: add \
         that key"
    )
}

/// The remedy of a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// Make the same call again, later.
    Retry,
    /// Read the entry and compare its version with the write's, then decide.
    ReadBack,
    /// Change the configuration of this software or of the store.
    FixConfiguration,
    /// Neither waiting nor configuration helps; a person must look.
    GiveUp,
}
