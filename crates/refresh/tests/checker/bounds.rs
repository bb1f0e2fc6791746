//! Bounds: how often each event may happen. A search is exhaustive within them.

/// How often each event may still happen. `faults` bounds all faults together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    /// Callers that force a refresh.
    pub(crate) refreshes: u8,
    /// Visits of an account that the store lists as due.
    pub(crate) listings: u8,
    /// Callers that ask for a token after it expired.
    pub(crate) wants: u8,
    /// Callers whose request cannot be replayed.
    pub(crate) unreplayable: u8,
    /// Callers whose token was rejected.
    pub(crate) rejections: u8,
    pub(crate) comparisons: u8,
    pub(crate) logins: u8,
    /// Callbacks of the first login that arrive once more.
    pub(crate) callbacks: u8,
    /// Logins by device code.
    pub(crate) devices: u8,
    /// Callers of such logins that go away.
    pub(crate) abandons: u8,
    /// Polls before the person has decided.
    pub(crate) pending: u8,
    pub(crate) adoptions: u8,
    pub(crate) disconnects: u8,
    pub(crate) forgets: u8,
    /// Lease renewals.
    pub(crate) renewals: u8,
    /// Change notifications of the store.
    pub(crate) notifications: u8,
    /// Idle accounts that are dropped from memory.
    pub(crate) drops: u8,
    /// Engines that shut down.
    pub(crate) closings: u8,
    /// Tombstones that expire.
    pub(crate) expiries: u8,

    pub(crate) faults: u8,
    pub(crate) crashes: u8,
    /// Tasks that die while their process lives.
    pub(crate) task_deaths: u8,
    /// Processes that are paused until other processes consider their lease expired.
    pub(crate) pauses: u8,
    /// Processes that are partitioned from the store.
    pub(crate) partitions: u8,
    pub(crate) lost_store_requests: u8,
    pub(crate) lost_store_replies: u8,
    /// Writes that land after their process gave up on them.
    pub(crate) late_writes: u8,
    /// Store replies that arrive when the lease has nearly expired.
    pub(crate) late_replies: u8,
    /// Store replies that arrive after other events of the process.
    pub(crate) slow_replies: u8,
    pub(crate) outages: u8,
    /// Store calls that fail during an outage or a partition.
    pub(crate) failures: u8,
    pub(crate) failovers: u8,
    pub(crate) wipes: u8,
    /// Records that can no longer be read.
    pub(crate) damages: u8,
    /// Lost answers of the provider.
    pub(crate) lost_answers: u8,
    /// Lost requests to the provider.
    pub(crate) lost_requests: u8,
    /// Requests that the provider handles after the process gave up on them.
    pub(crate) late_requests: u8,
    /// Refusals that say nothing about the token.
    pub(crate) refusals: u8,
    pub(crate) revocations: u8,
}

impl Budget {
    pub(crate) const NONE: Self = Self {
        refreshes: 0,
        listings: 0,
        wants: 0,
        unreplayable: 0,
        rejections: 0,
        comparisons: 0,
        logins: 0,
        callbacks: 0,
        devices: 0,
        abandons: 0,
        pending: 0,
        adoptions: 0,
        disconnects: 0,
        forgets: 0,
        renewals: 0,
        notifications: 0,
        drops: 0,
        closings: 0,
        expiries: 0,
        faults: 0,
        crashes: 0,
        task_deaths: 0,
        pauses: 0,
        partitions: 0,
        lost_store_requests: 0,
        lost_store_replies: 0,
        late_writes: 0,
        late_replies: 0,
        slow_replies: 0,
        outages: 0,
        failures: 0,
        failovers: 0,
        wipes: 0,
        damages: 0,
        lost_answers: 0,
        lost_requests: 0,
        late_requests: 0,
        refusals: 0,
        revocations: 0,
    };

    /// Allows every kind of fault once (lost requests and answers `faults` times), and `faults` in
    /// all.
    pub(crate) const fn any_faults(self, faults: u8) -> Self {
        Self {
            faults,
            crashes: 1,
            task_deaths: 1,
            pauses: 1,
            partitions: 1,
            lost_store_requests: faults,
            lost_store_replies: 1,
            late_writes: 1,
            late_replies: 1,
            slow_replies: 1,
            outages: 1,
            failures: 2,
            failovers: 1,
            wipes: 1,
            lost_answers: faults,
            lost_requests: faults,
            late_requests: 1,
            refusals: 1,
            revocations: 1,
            ..self
        }
    }

    /// Clears the kinds of faults once no fault is left, so that equivalent states coincide.
    pub(crate) const fn normalize(self) -> Self {
        if self.faults > 0 {
            return self;
        }
        Self {
            refreshes: self.refreshes,
            listings: self.listings,
            wants: self.wants,
            unreplayable: self.unreplayable,
            rejections: self.rejections,
            comparisons: self.comparisons,
            logins: self.logins,
            callbacks: self.callbacks,
            devices: self.devices,
            abandons: self.abandons,
            pending: self.pending,
            adoptions: self.adoptions,
            disconnects: self.disconnects,
            forgets: self.forgets,
            renewals: self.renewals,
            notifications: self.notifications,
            drops: self.drops,
            closings: self.closings,
            expiries: self.expiries,
            damages: self.damages,
            failures: self.failures,
            ..Self::NONE
        }
    }
}

/// How the provider treats a refresh token that was already redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// The token is refused.
    Refused,
    /// The token is refused, and the whole family ends.
    EndsFamily,
    /// The provider returns the same pair again, until that pair is redeemed.
    SamePair,
    /// The provider returns a fresh pair and invalidates the pair of the first redemption.
    FreshPair,
}

/// What a revocation ends at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revocation {
    /// The provider cannot revoke.
    Nothing,
    /// The login whose token is revoked.
    Login,
    /// All logins of the account (RFC 7009 §2.1 lets a server end the whole grant).
    Account,
}

/// The bounds of one search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) name: &'static str,
    pub(crate) procs: usize,
    pub(crate) reuse: Reuse,
    pub(crate) revocation: Revocation,
    /// Initially there is a connected account that all processes know.
    pub(crate) connected: bool,
    /// The provider may invalidate the old access token when the refresh token is presented.
    pub(crate) old_token_dies: bool,
    /// Failures lead to pauses, which otherwise are zero.
    pub(crate) pauses: bool,
    pub(crate) budget: Budget,
}
