//! What may happen how often: a search is exhaustive within these bounds.

/// How often each thing may still happen. `faults` bounds all faults together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    /// Callers that ask for a new token.
    pub(crate) refreshes: u8,
    /// Accounts that the store lists as due.
    pub(crate) listings: u8,
    /// Callers that ask for a token when it has expired.
    pub(crate) wants: u8,
    /// Callers whose request cannot be sent twice.
    pub(crate) once: u8,
    /// Callers whose token was rejected.
    pub(crate) rejections: u8,
    pub(crate) comparisons: u8,
    pub(crate) logins: u8,
    pub(crate) adoptions: u8,
    pub(crate) disconnects: u8,
    /// Renewals of a lease.
    pub(crate) renewals: u8,
    /// Notifications of the store.
    pub(crate) tells: u8,
    /// Accounts that are dropped from memory.
    pub(crate) drops: u8,
    /// Engines that close.
    pub(crate) closings: u8,
    /// Tombstones that expire.
    pub(crate) expiries: u8,

    pub(crate) faults: u8,
    pub(crate) crashes: u8,
    /// Tasks that die while their process lives.
    pub(crate) deaths: u8,
    /// Processes that sleep until their lease has ended for others.
    pub(crate) pauses: u8,
    /// Processes that are cut off from the store.
    pub(crate) cuts: u8,
    pub(crate) store_requests: u8,
    pub(crate) store_replies: u8,
    /// Writes that land after their process has given them up.
    pub(crate) strays: u8,
    /// Answers of the store that come when the lease is nearly over.
    pub(crate) late_replies: u8,
    /// Answers of the store that come after other events of the process.
    pub(crate) slow_replies: u8,
    pub(crate) outages: u8,
    /// Calls that fail while the store is down or the process is cut off.
    pub(crate) failures: u8,
    pub(crate) failovers: u8,
    pub(crate) wipes: u8,
    /// Answers of the provider that are lost.
    pub(crate) answers: u8,
    /// Requests to the provider that are lost.
    pub(crate) requests: u8,
    /// Requests that the provider handles after the process has given them up.
    pub(crate) late_requests: u8,
    /// Answers that say nothing of the token.
    pub(crate) refusals: u8,
    pub(crate) revocations: u8,
}

impl Budget {
    pub(crate) const NONE: Self = Self {
        refreshes: 0,
        listings: 0,
        wants: 0,
        once: 0,
        rejections: 0,
        comparisons: 0,
        logins: 0,
        adoptions: 0,
        disconnects: 0,
        renewals: 0,
        tells: 0,
        drops: 0,
        closings: 0,
        expiries: 0,
        faults: 0,
        crashes: 0,
        deaths: 0,
        pauses: 0,
        cuts: 0,
        store_requests: 0,
        store_replies: 0,
        strays: 0,
        late_replies: 0,
        slow_replies: 0,
        outages: 0,
        failures: 0,
        failovers: 0,
        wipes: 0,
        answers: 0,
        requests: 0,
        late_requests: 0,
        refusals: 0,
        revocations: 0,
    };

    /// Every kind of fault once (lost requests and answers as often as `faults`), `faults` of them
    /// in all.
    pub(crate) const fn any_faults(self, faults: u8) -> Self {
        Self {
            faults,
            crashes: 1,
            deaths: 1,
            pauses: 1,
            cuts: 1,
            store_requests: faults,
            store_replies: 1,
            strays: 1,
            late_replies: 1,
            slow_replies: 1,
            outages: 1,
            failures: 2,
            failovers: 1,
            wipes: 1,
            answers: faults,
            requests: faults,
            late_requests: 1,
            refusals: 1,
            revocations: 1,
            ..self
        }
    }

    /// The same without what can happen no more once there are no faults, so that states fall
    /// together.
    pub(crate) const fn tidy(self) -> Self {
        if self.faults > 0 {
            return self;
        }
        Self {
            refreshes: self.refreshes,
            listings: self.listings,
            wants: self.wants,
            once: self.once,
            rejections: self.rejections,
            comparisons: self.comparisons,
            logins: self.logins,
            adoptions: self.adoptions,
            disconnects: self.disconnects,
            renewals: self.renewals,
            tells: self.tells,
            drops: self.drops,
            closings: self.closings,
            expiries: self.expiries,
            failures: self.failures,
            ..Self::NONE
        }
    }
}

/// How the provider treats a refresh token that was redeemed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// It is refused.
    Refused,
    /// It is refused, and ends the whole family.
    EndsFamily,
    /// It brings the pair that the redemption brought, until that is redeemed in turn.
    SamePair,
    /// It brings another pair, and the one that the redemption brought is void.
    FreshPair,
}

/// What a revocation at the provider ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revocation {
    /// There is none.
    Nothing,
    /// The login whose token is revoked.
    Login,
    /// All logins of the account (RFC 7009 §2.1 lets a server end the whole grant).
    Account,
}

/// What is explored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) name: &'static str,
    pub(crate) procs: usize,
    pub(crate) reuse: Reuse,
    pub(crate) revocation: Revocation,
    /// There is an account to begin with, and all processes know it.
    pub(crate) connected: bool,
    /// The old access token may die when the refresh token is presented.
    pub(crate) old_token_dies: bool,
    /// Failures lead to pauses. Otherwise they are over at once.
    pub(crate) pauses: bool,
    pub(crate) budget: Budget,
}
