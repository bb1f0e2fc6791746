//! What a front remembers of the account that it sends for.

use std::{fmt, sync::Arc};

use http::{Request, Uri};

use crate::{
    account::Account,
    engine::{
        AccountEntry, AttachResult, Snapshot,
        rejection::{self, ContentBelow},
    },
};

/// A front's memory of one account's token. As long as it holds, a request compares the account's
/// state word and the time, and takes the token.
///
/// It is filled at the second request, and a clone is empty: a service that is cloned for each
/// request would not profit, and would keep the token of the time when it was made. The remembered
/// token stays in memory until the next request or until it is dropped.
#[doc(hidden)]
#[derive(Default)]
pub struct Seen(Memory);

/// What is remembered, as small as a token: each clone of a service has one.
#[derive(Default)]
enum Memory {
    /// No request came yet.
    #[default]
    New,
    /// A request came, or there was no token to remember.
    Asked,
    Token(SeenToken),
}

/// A token that a front remembers.
#[doc(hidden)]
#[derive(Debug)]
pub struct SeenToken {
    entry: Arc<AccountEntry>,
    /// The account's state before the snapshot was read.
    state: u64,
    /// The bound of the monotonic time, in nanoseconds.
    nanos_until: u64,
    snapshot: Arc<Snapshot>,
    /// What [`Account::content_below`] returns in this state.
    content_below: ContentBelow,
}

impl Seen {
    /// Returns the account's token to send to this target, if it is remembered and nothing has
    /// changed.
    #[must_use]
    #[inline(always)]
    pub fn token_of(&self, account: &Account, target: &Uri) -> Option<&SeenToken> {
        let Memory::Token(token) = &self.0 else {
            return None;
        };
        let (core, entry) = account.parts();
        (Arc::ptr_eq(entry, &token.entry)
            && entry.state.load() == token.state
            && core.time.coarse_nanos() < token.nanos_until
            && entry.site.allows_first(target))
        .then_some(token)
    }

    /// Returns whether no token is remembered, as in a clone.
    #[must_use]
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        !matches!(self.0, Memory::Token(_))
    }

    /// Remembers the account's token from the second call on.
    #[inline(always)]
    pub fn remember(&mut self, account: &Account) {
        if let Memory::New = self.0 {
            self.0 = Memory::Asked;
        } else {
            self.fill(account);
        }
    }

    #[cold]
    fn fill(&mut self, account: &Account) {
        let (core, entry) = account.parts();
        // The state is read first: a change after it makes the memory void.
        let state = entry.state.touch();
        let snapshot = entry.snapshot.load_full();
        // A token that is only for requests that can be replayed is none for all.
        let snapshot = snapshot.filter(|snapshot| !snapshot.replayable_only);
        self.0 = snapshot.map_or(Memory::Asked, |snapshot| {
            Memory::Token(SeenToken {
                entry: entry.clone(),
                state,
                nanos_until: core.time.nanos_until(snapshot.fresh_until),
                snapshot,
                content_below: rejection::content_below(state),
            })
        });
    }
}

impl SeenToken {
    /// Returns the status below which a response to a request with this token says nothing about
    /// the token.
    #[must_use]
    #[inline(always)]
    pub fn content_below(&self) -> u16 {
        self.content_below as u16
    }

    /// Attaches the token to a request.
    ///
    /// # Errors
    ///
    /// As [`Credential::attach`](crate::Credential::attach).
    #[inline(always)]
    pub fn attach<B>(&self, request: &mut Request<B>) -> AttachResult {
        self.snapshot.attach(request)
    }
}

impl Clone for Seen {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").finish_non_exhaustive()
    }
}
