//! What a store keeps, and what comes of a conditional write.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

/// Names one write of an entry: 128 random bits, made by the caller at every write.
///
/// A store only keeps and compares it. After an ambiguous write, [`TokenStore::get`](crate::TokenStore::get) returning
/// the version of that write proves that it landed. The order means nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version([u8; 16]);

impl Version {
    /// A new version.
    ///
    /// # Panics
    /// If the operating system has no random numbers; there is no safe way to go on then.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
        Self(bytes)
    }

    /// The version that [`to_bytes`](Self::to_bytes) gave.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes, for keeping.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Its bytes, borrowed.
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

/// What a store keeps under a [`Key`](crate::Key): an opaque value, its version, and what a store needs to know of it.
///
/// Times are in whole milliseconds of the Unix time. `Debug` shows the length of the value, never the value.
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
    /// Which write this is.
    pub version: Version,
    /// What is kept; a store does not look into it.
    pub value: Bytes,
    /// Until when a store must keep the entry; it may forget it then, not before. `None`: for ever.
    pub keep_until: Option<SystemTime>,
    /// When something is to be done about the entry, for [`Filter::DueBefore`](crate::Filter::DueBefore).
    pub due: Option<SystemTime>,
    /// Whether a person has to look at it, for [`Filter::Attention`](crate::Filter::Attention).
    pub attention: bool,
}

impl Entry {
    /// An entry that is kept for ever, is never due and needs no attention.
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

    /// Lets a store forget the entry from this time on, rounded by [`unix_millis`].
    #[must_use]
    pub fn with_keep_until(mut self, time: impl Into<Option<SystemTime>>) -> Self {
        self.keep_until = time.into().map(whole_millis);
        self
    }

    /// Says when the entry is due, rounded by [`unix_millis`].
    #[must_use]
    pub fn with_due(mut self, time: impl Into<Option<SystemTime>>) -> Self {
        self.due = time.into().map(whole_millis);
        self
    }

    /// Says whether the entry needs attention.
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

/// What came of a conditional write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a write that met a conflict changed nothing"]
pub enum Outcome {
    /// The write was made.
    Applied,
    /// Nothing was changed: the entry was not at the expected version. Holds what is there now.
    Conflict(Option<Entry>),
}

impl Outcome {
    /// Whether the write was made.
    #[must_use]
    pub const fn is_applied(&self) -> bool {
        matches!(self, Self::Applied)
    }
}

/// A time as the milliseconds since 1970 that a store keeps: rounded up, so that nothing is forgotten early.
///
/// A time before 1970 is 0; one past the year 9999 is the last millisecond of it, which every backend can express.
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
