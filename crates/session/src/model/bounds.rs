//! What may happen how often: a search is exhaustive within these bounds.

/// How often each thing may still happen; `faults` bounds all faults together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    pub(super) refreshes: u8,
    pub(super) validations: u8,
    pub(super) logins: u8,
    pub(super) adoptions: u8,
    pub(super) disconnects: u8,

    pub(super) faults: u8,
    pub(super) crashes: u8,
    pub(super) pauses: u8,
    pub(super) store_requests: u8,
    pub(super) store_replies: u8,
    pub(super) strays: u8,
    pub(super) slow_replies: u8,
    pub(super) outages: u8,
    pub(super) failovers: u8,
    pub(super) wipes: u8,
    pub(super) answers: u8,
    pub(super) requests: u8,
    pub(super) refusals: u8,
    pub(super) revocations: u8,
}

impl Budget {
    pub(super) const NONE: Self = Self {
        refreshes: 0,
        validations: 0,
        logins: 0,
        adoptions: 0,
        disconnects: 0,
        faults: 0,
        crashes: 0,
        pauses: 0,
        store_requests: 0,
        store_replies: 0,
        strays: 0,
        slow_replies: 0,
        outages: 0,
        failovers: 0,
        wipes: 0,
        answers: 0,
        requests: 0,
        refusals: 0,
        revocations: 0,
    };

    /// Every kind of fault once (a lost request to the store as often as `faults`), `faults` of them in all.
    pub(super) const fn any_faults(self, faults: u8) -> Self {
        Self {
            faults,
            crashes: 1,
            pauses: 1,
            store_requests: faults,
            store_replies: 1,
            strays: 1,
            slow_replies: 1,
            outages: 1,
            failovers: 1,
            wipes: 1,
            answers: faults,
            requests: faults,
            refusals: 1,
            revocations: 1,
            ..self
        }
    }
}

/// How the provider treats a refresh token that was redeemed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
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
pub(super) enum Revocation {
    /// There is none.
    Nothing,
    /// The login whose token is revoked.
    Login,
    /// All logins of the account (RFC 7009 §2.1 lets a server end the whole grant).
    Account,
}

/// What is explored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) name: &'static str,
    pub(super) procs: usize,
    pub(super) reuse: Reuse,
    pub(super) revocation: Revocation,
    /// There is an account to begin with, and all processes know it.
    pub(super) connected: bool,
    pub(super) budget: Budget,
}
