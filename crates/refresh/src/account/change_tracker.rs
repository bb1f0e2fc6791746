//! What the store tells of changes of one account, as far as its reads and writes have not covered
//! them.

use std::num::NonZeroU32;

use tokenkeeper_store::Version;

/// A hint that saves waiting: everything also works without it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct ChangeTracker {
    notified: u32,
    /// No read or write has covered the last of them yet.
    pending: bool,
    /// What the store told of last, where it said it.
    newest: Option<Tag>,
    /// The last versions that were met here. Notifications for these are ignored: an attempt and
    /// its result may both be on their way.
    known: [Option<Tag>; 2],
    /// The account was not in use: it is compared before its next use.
    pub(super) before_use: bool,
}

/// A part of a version that tells it from others. There is one for every account, and a hint may
/// fail.
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
    /// To be taken before a call to the store, and given to [`cover`](Self::cover) after it.
    pub(super) fn mark(&self) -> u32 {
        self.notified
    }

    /// A call has shown what the store had after `mark`: the version, if there is a record.
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

    /// `version` is known here from now on, even if it is only being written.
    pub(super) fn note_known(&mut self, version: Version) {
        let tag = Some(Tag::of(version));
        if self.known[0] != tag {
            self.known = [tag, self.known[0]];
        }
    }

    pub(super) fn is_pending(&self) -> bool {
        self.pending
    }

    /// The store tells of a change. Returns whether it is news.
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
