//! Entries, their versions, and the outcome of a conditional write.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

/// The version of an entry: 128 random bits, made by the caller for every write.
///
/// A store only keeps and compares it. After an ambiguous write, a
/// [`TokenStore::get`](crate::TokenStore::get) that returns the version of that write proves that
/// it landed. The order has no meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version([u8; 16]);

impl Version {
    /// Creates a new version.
    ///
    /// # Panics
    /// If the operating system provides no random numbers, without which no write is safe.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system provides random numbers");
        Self(bytes)
    }

    /// Creates the version with the bytes of [`to_bytes`](Self::to_bytes).
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns its bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Borrows its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// An entry under a [`Key`](crate::Key): an opaque value, its version, and metadata for the store.
///
/// Times are whole milliseconds of Unix time. `Debug` shows the length of the value, never the
/// value.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tokenkeeper_store::{Entry, Version};
///
/// let entry = Entry::new(Version::random(), &b"opaque"[..])
///     .with_keep_until(SystemTime::now() + Duration::from_secs(90 * 86_400));
/// assert!(!entry.attention);
/// assert!(!format!("{entry:?}").contains("opaque"));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The version of the write.
    pub version: Version,
    /// The value, opaque to a store.
    pub value: Bytes,
    /// The time until which a store must keep the entry, and after which it may forget it.
    ///
    /// `None`: forever.
    pub keep_until: Option<SystemTime>,
    /// The time at which the entry needs work, for
    /// [`Filter::DueBefore`](crate::Filter::DueBefore).
    pub due: Option<SystemTime>,
    /// Whether a person must look at it, for [`Filter::Attention`](crate::Filter::Attention).
    pub attention: bool,
}

impl Entry {
    /// Creates an entry that is kept forever, is never due and needs no attention.
    #[must_use]
    pub fn new(version: Version, value: impl Into<Bytes>) -> Self {
        Self {
            version,
            value: value.into(),
            keep_until: None,
            due: None,
            attention: false,
        }
    }

    /// Sets the time after which a store may forget the entry, rounded by [`unix_millis`].
    #[must_use]
    pub fn with_keep_until(mut self, time: impl Into<Option<SystemTime>>) -> Self {
        self.keep_until = time.into().map(whole_millis);
        self
    }

    /// Sets when the entry is due, rounded by [`unix_millis`].
    #[must_use]
    pub fn with_due(mut self, time: impl Into<Option<SystemTime>>) -> Self {
        self.due = time.into().map(whole_millis);
        self
    }

    /// Returns a copy with its times rounded by [`unix_millis`], as a store keeps them.
    ///
    /// The fields are public, so that the times of an entry may not be rounded yet.
    #[must_use]
    pub fn rounded(&self) -> Self {
        let entry = self.clone().with_keep_until(self.keep_until);
        entry.with_due(self.due)
    }

    /// Sets whether the entry needs attention.
    #[must_use]
    pub fn with_attention(mut self, attention: bool) -> Self {
        self.attention = attention;
        self
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("version", &self.version)
            .field("value", &format_args!("<{} bytes>", self.value.len()))
            .field("keep_until", &self.keep_until)
            .field("due", &self.due)
            .field("attention", &self.attention)
            .finish()
    }
}

/// The outcome of a conditional write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a write that met a conflict changed nothing"]
pub enum Outcome {
    /// The write was made.
    Applied,
    /// Nothing was changed: the entry was not at the expected version. Holds the current entry.
    Conflict(Option<Entry>),
}

impl Outcome {
    /// Returns whether the write was made.
    #[must_use]
    pub const fn is_applied(&self) -> bool {
        matches!(self, Self::Applied)
    }
}

/// Returns a time in milliseconds since 1970, rounded up, so that no entry is forgotten early.
///
/// A time before 1970 is 0; one after the year 9999 is its last millisecond, which every backend
/// can express.
#[must_use]
pub fn unix_millis(time: SystemTime) -> u64 {
    const END_OF_9999: u64 = 253_402_300_799_999;
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = since.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).map_or(END_OF_9999, |millis| millis.min(END_OF_9999))
}

fn whole_millis(time: SystemTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(unix_millis(time))
}
