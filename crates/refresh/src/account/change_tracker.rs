//! Change notifications of the store that no read or write has covered yet.

use std::num::NonZeroU32;

use tokenkeeper_store::Version;

/// The notifications of one account: hints that save time. Nothing depends on them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct ChangeTracker {
    notified: u32,
    /// No read or write has covered the last notification yet.
    pending: bool,
    /// The version of the last notification, if the store reported it.
    newest: Option<Tag>,
    /// The last versions that this process read or wrote. Their notifications are ignored. Two are
    /// kept, since those of an attempt and of its result may both be in flight.
    known: [Option<Tag>; 2],
    /// The account was idle when the notification came, so it is compared before its next use.
    pub(super) before_use: bool,
}

/// The last four bytes of a version. Every account keeps three, and a collision only delays a
/// comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Tag(NonZeroU32);

impl Tag {
    fn of(version: Version) -> Self {
        let [.., a, b, c, d] = version.to_bytes();
        let tag = u32::from_be_bytes([a, b, c, d]);
        Self(NonZeroU32::new(tag).unwrap_or(NonZeroU32::MAX))
    }
}

impl ChangeTracker {
    /// Returns a mark to take before a call to the store and to pass to [`cover`](Self::cover)
    /// after it.
    pub(super) fn mark(&self) -> u32 {
        self.notified
    }

    /// Records that a call begun at `mark` found this version, or no record.
    pub(super) fn cover(&mut self, mark: u32, version: Option<Version>) {
        let mut covers = mark == self.notified;
        if let Some(version) = version {
            self.note_known(version);
            covers |= self.newest == Some(Tag::of(version));
        }
        if covers {
            self.pending = false;
            self.before_use = false;
        }
    }

    /// Records that this process knows `version`, even if its write is still in flight.
    pub(super) fn note_known(&mut self, version: Version) {
        let tag = Some(Tag::of(version));
        if self.known[0] != tag {
            self.known = [tag, self.known[0]];
        }
    }

    pub(super) fn is_pending(&self) -> bool {
        self.pending
    }

    /// Records a notification, and returns whether it is news.
    pub(super) fn note_change(&mut self, version: Option<Version>) -> bool {
        let newest = version.map(Tag::of);
        if newest.is_some() && self.known.contains(&newest) {
            return false;
        }
        self.notified = self.notified.wrapping_add(1);
        self.pending = true;
        self.newest = newest;
        true
    }
}
