//! What may go wrong in a store.

/// The error under an error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Why a store did not do what it was asked for.
///
/// No variant shows a value, a subject or a key of encryption. [`is_transient`](Self::is_transient) and
/// [`advice`](Self::advice) say what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached or is busy. The call did nothing.
    #[error("the store is unavailable; nothing was done, try again later")]
    Unavailable {
        /// What the backend said.
        #[source]
        source: BoxError,
    },
    /// The call timed out or was cut after it had been sent: it may have been done. Read back and compare versions.
    #[error("the store did not say whether the write was made; read back and compare the version")]
    Ambiguous {
        /// What the backend said.
        #[source]
        source: BoxError,
    },
    /// The store is at its bound and takes no new key. Keys that it has can still be written.
    #[error("the store is full and takes no new account; raise its bound or remove accounts")]
    Full,
    /// The store cannot do this at all.
    #[error("the store does not support {0}")]
    Unsupported(&'static str),
    /// The store can be read but not written, and will not become writable by itself.
    #[error("the store is read-only; check its permissions, or connect to the writable one")]
    ReadOnly {
        /// What the backend said.
        #[source]
        source: BoxError,
    },
    /// An entry is encrypted and does not open: its key is not in the keyring or is a wrong one, the entry was moved
    /// here from another account, or it is damaged. It was not overwritten.
    #[error(
        "an entry that was encrypted with the key {key_id:?} does not open: the keyring lacks this key or has another under its id, \
         or the entry was moved or damaged; nothing was overwritten"
    )]
    Undecryptable {
        /// The id of the key that it names.
        key_id: String,
    },
    /// An entry is not encrypted where only encrypted ones may be. It was not overwritten.
    #[error("an entry in a store that is to be encrypted is not; nothing was overwritten")]
    NotEncrypted,
    /// What the store holds cannot be read. It was not overwritten.
    #[error("what the store holds cannot be read; nothing was overwritten")]
    Corrupt {
        /// What is wrong with it.
        #[source]
        source: BoxError,
    },
    /// What the store holds was written by a newer version of this software. It was not overwritten.
    #[error(
        "the store holds format {found}, this version reads up to {supported}; update it, nothing was overwritten"
    )]
    NewerFormat {
        /// The format found.
        found: u32,
        /// The newest format known here.
        supported: u32,
    },
    /// Anything else.
    #[error("the store failed")]
    Other {
        /// What the backend said.
        #[source]
        source: BoxError,
    },
}

impl StoreError {
    /// An [`Unavailable`](Self::Unavailable).
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable {
            source: source.into(),
        }
    }

    /// An [`Ambiguous`](Self::Ambiguous).
    pub fn ambiguous(source: impl Into<BoxError>) -> Self {
        Self::Ambiguous {
            source: source.into(),
        }
    }

    /// A [`ReadOnly`](Self::ReadOnly).
    pub fn read_only(source: impl Into<BoxError>) -> Self {
        Self::ReadOnly {
            source: source.into(),
        }
    }

    /// A [`Corrupt`](Self::Corrupt).
    pub fn corrupt(source: impl Into<BoxError>) -> Self {
        Self::Corrupt {
            source: source.into(),
        }
    }

    /// An [`Other`](Self::Other).
    pub fn other(source: impl Into<BoxError>) -> Self {
        Self::Other {
            source: source.into(),
        }
    }

    /// Whether the same call may succeed later without anybody's help.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Ambiguous { .. })
    }

    /// What to do now.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::Unavailable { .. } => Advice::Retry,
            Self::Ambiguous { .. } => Advice::ReadBack,
            Self::Full
            | Self::Unsupported(_)
            | Self::ReadOnly { .. }
            | Self::Undecryptable { .. }
            | Self::NotEncrypted
            | Self::NewerFormat { .. } => Advice::FixConfiguration,
            Self::Corrupt { .. } | Self::Other { .. } => Advice::GiveUp,
        }
    }
}

/// What to do about a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// Make the same call again, later.
    Retry,
    /// Read the entry and compare its version with that of the write, then decide.
    ReadBack,
    /// Change the configuration, of this software or of the store.
    FixConfiguration,
    /// Neither waiting nor configuration helps; a person has to look.
    GiveUp,
}
