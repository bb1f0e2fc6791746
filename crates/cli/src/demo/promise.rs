//! What is promised of each step, as data.

use tokenkeeper_emulator::Counters;

use super::provider::Provider;

/// What the callers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The person approves.
    Authorize,
    /// The code is exchanged.
    Exchange,
    /// A call with a fresh token.
    Call,
    /// The token expires; then a call.
    Expire,
    /// The token expires; then 1,000 calls at once.
    Storm,
    /// 100 calls are under way when the provider ends the token: they are rejected, 99 of them after the refresh.
    LateRejections,
    /// The only caller goes away while its refresh is under way; then a call by another engine over the same store.
    CancelledCaller,
    /// The connection is cut after the provider has rotated the tokens, before it answers.
    LostAnswer,
    /// A new login.
    Reconnect,
    /// The person takes the access back at the provider; then calls.
    UserRevokes,
    /// The application disconnects the account; then calls.
    Revoke,
}

/// A step, and what the emulator must have seen after it.
#[derive(Debug)]
pub(crate) struct Promise {
    pub(crate) step: Step,
    /// What the callers ask for.
    pub(crate) requests: u64,
    pub(crate) counts: &'static [(Counted, u64)],
}

/// What the emulator counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    AuthorizeRequests,
    TokenRequests,
    ApiCalls,
    /// API calls with a token that has ended: 401, at iOFFICE 403.
    Ended,
    /// API calls with a token that was taken back: 401.
    TakenBack,
    Revocations,
}

use Counted::{ApiCalls, AuthorizeRequests, Ended, Revocations, TakenBack, TokenRequests};

/// The calls of the storm.
pub(crate) const STORM: u64 = 1000;
/// The calls that are rejected late.
pub(crate) const LATE: u64 = 100;
/// The calls after the person has taken the access back.
pub(crate) const IN_VAIN: u64 = 11;

/// The life of an account.
static LIFE: [Promise; 10] = [
    promise(
        Step::Authorize,
        1,
        &[(TokenRequests, 0), (AuthorizeRequests, 1)],
    ),
    promise(Step::Exchange, 1, &[(TokenRequests, 1)]),
    promise(Step::Call, 1, &[(TokenRequests, 0), (ApiCalls, 1)]),
    promise(Step::Expire, 1, &[(TokenRequests, 1), (ApiCalls, 1)]),
    promise(Step::Storm, STORM, &[(TokenRequests, 1), (ApiCalls, STORM)]),
    promise(
        Step::LateRejections,
        LATE,
        &[(TokenRequests, 1), (ApiCalls, 2 * LATE), (Ended, LATE)],
    ),
    // The first caller's request never leaves.
    promise(
        Step::CancelledCaller,
        2,
        &[(TokenRequests, 1), (ApiCalls, 1)],
    ),
    // The second one finds out what became of the first.
    promise(Step::LostAnswer, 1, &[(TokenRequests, 2), (ApiCalls, 0)]),
    promise(
        Step::Reconnect,
        1,
        &[(TokenRequests, 1), (AuthorizeRequests, 1)],
    ),
    promise(
        Step::UserRevokes,
        IN_VAIN,
        &[
            (TokenRequests, 1),
            (ApiCalls, IN_VAIN),
            (TakenBack, IN_VAIN),
        ],
    ),
];

/// Its end, where the provider has a revocation endpoint.
static REVOCATION: [Promise; 2] = [
    promise(
        Step::Reconnect,
        1,
        &[(TokenRequests, 1), (AuthorizeRequests, 1)],
    ),
    // One call with the old access token itself, and one through the front, which does not send it.
    promise(
        Step::Revoke,
        2,
        &[
            (TokenRequests, 0),
            (Revocations, 2),
            (ApiCalls, 1),
            (TakenBack, 1),
        ],
    ),
];

/// What is promised at this provider, in order.
pub(crate) fn life(provider: Provider) -> impl Iterator<Item = &'static Promise> {
    let revocation = if provider.revokes() {
        REVOCATION.as_slice()
    } else {
        &[]
    };
    LIFE.iter().chain(revocation)
}

/// All steps that there are, in order: the columns of the table.
pub(crate) fn columns() -> impl Iterator<Item = &'static Promise> {
    LIFE.iter().chain(&REVOCATION)
}

const fn promise(step: Step, requests: u64, counts: &'static [(Counted, u64)]) -> Promise {
    Promise {
        step,
        requests,
        counts,
    }
}

impl Step {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Exchange => "exchange",
            Self::Call => "call",
            Self::Expire => "expire",
            Self::Storm => "storm",
            Self::LateRejections => "late_rejections",
            Self::CancelledCaller => "cancelled_caller",
            Self::LostAnswer => "lost_answer",
            Self::Reconnect => "reconnect",
            Self::UserRevokes => "user_revokes",
            Self::Revoke => "revoke",
        }
    }
}

impl Counted {
    pub(crate) fn name(self) -> &'static str {
        match self {
            AuthorizeRequests => "authorize_requests",
            TokenRequests => "token_requests",
            ApiCalls => "api_calls",
            Ended | TakenBack => "rejections",
            Revocations => "revocations",
        }
    }

    pub(crate) fn seen(self, counters: &Counters, provider: Provider) -> u64 {
        match self {
            AuthorizeRequests => counters.authorize_requests,
            TokenRequests => counters.token_requests,
            ApiCalls => counters.api_calls,
            Ended => counters.api_status(provider.ended_status()),
            TakenBack => counters.api_status(401),
            Revocations => counters.revocations,
        }
    }
}
