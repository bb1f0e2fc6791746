//! The expected counts of each step, as data.

use tokenkeeper_emulator::Counters;

use super::provider::Provider;

/// A step of the life cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The user approves.
    Authorize,
    /// The code is exchanged.
    Exchange,
    /// A call with a fresh token.
    Call,
    /// The token expires; then one call.
    Expire,
    /// The token expires; then 1,000 calls at once.
    Storm,
    /// The provider expires the token while 100 calls are in flight: they are rejected, 99 of them
    /// after the refresh.
    LateRejections,
    /// The only caller is cancelled during its refresh; then another engine over the same store
    /// calls.
    CancelledCaller,
    /// The connection is cut after the provider rotated the tokens and before its response.
    LostAnswer,
    /// A new login.
    Reconnect,
    /// The user revokes the access at the provider; then calls.
    UserRevokes,
    /// The application disconnects the account; then calls.
    Revoke,
}

/// A step and its expected counts.
#[derive(Debug)]
pub(crate) struct Expectation {
    pub(crate) step: Step,
    /// The number of calls by the application.
    pub(crate) requests: u64,
    pub(crate) counts: &'static [(Counted, u64)],
}

/// A counter of the emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    AuthorizeRequests,
    TokenRequests,
    ApiCalls,
    /// API calls with an expired token: 401, at iOFFICE 403.
    Expired,
    /// API calls with a revoked token: 401.
    Revoked,
    Revocations,
}

use Counted::{ApiCalls, AuthorizeRequests, Expired, Revocations, Revoked, TokenRequests};

/// The calls of the storm.
pub(crate) const STORM: u64 = 1000;
/// The calls that are rejected late.
pub(crate) const LATE: u64 = 100;
/// The calls after the user revoked the access.
pub(crate) const REVOKED_CALLS: u64 = 11;

/// The life cycle of an account.
static LIFE_CYCLE: [Expectation; 10] = [
    expect(
        Step::Authorize,
        1,
        &[(TokenRequests, 0), (AuthorizeRequests, 1)],
    ),
    expect(Step::Exchange, 1, &[(TokenRequests, 1)]),
    expect(Step::Call, 1, &[(TokenRequests, 0), (ApiCalls, 1)]),
    expect(Step::Expire, 1, &[(TokenRequests, 1), (ApiCalls, 1)]),
    expect(Step::Storm, STORM, &[(TokenRequests, 1), (ApiCalls, STORM)]),
    expect(
        Step::LateRejections,
        LATE,
        &[(TokenRequests, 1), (ApiCalls, 2 * LATE), (Expired, LATE)],
    ),
    // The first caller's request is never sent.
    expect(
        Step::CancelledCaller,
        2,
        &[(TokenRequests, 1), (ApiCalls, 1)],
    ),
    // The second request finds out whether the first one redeemed the token.
    expect(Step::LostAnswer, 1, &[(TokenRequests, 2), (ApiCalls, 0)]),
    expect(
        Step::Reconnect,
        1,
        &[(TokenRequests, 1), (AuthorizeRequests, 1)],
    ),
    expect(
        Step::UserRevokes,
        REVOKED_CALLS,
        &[
            (TokenRequests, 1),
            (ApiCalls, REVOKED_CALLS),
            (Revoked, REVOKED_CALLS),
        ],
    ),
];

/// Further steps for a provider with a revocation endpoint.
static REVOCATION: [Expectation; 2] = [
    expect(
        Step::Reconnect,
        1,
        &[(TokenRequests, 1), (AuthorizeRequests, 1)],
    ),
    // One call with the revoked access token, and one through the front, which sends none.
    expect(
        Step::Revoke,
        2,
        &[
            (TokenRequests, 0),
            (Revocations, 2),
            (ApiCalls, 1),
            (Revoked, 1),
        ],
    ),
];

/// Returns the steps for this provider, in order.
pub(crate) fn scenario(provider: Provider) -> impl Iterator<Item = &'static Expectation> {
    let revocation = if provider.revokes() {
        REVOCATION.as_slice()
    } else {
        &[]
    };
    LIFE_CYCLE.iter().chain(revocation)
}

/// Returns all steps in order: the columns of the table.
pub(crate) fn columns() -> impl Iterator<Item = &'static Expectation> {
    LIFE_CYCLE.iter().chain(&REVOCATION)
}

const fn expect(step: Step, requests: u64, counts: &'static [(Counted, u64)]) -> Expectation {
    Expectation {
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
            Expired | Revoked => "rejections",
            Revocations => "revocations",
        }
    }

    pub(crate) fn seen(self, counters: &Counters, provider: Provider) -> u64 {
        match self {
            AuthorizeRequests => counters.authorize_requests,
            TokenRequests => counters.token_requests,
            ApiCalls => counters.api_calls,
            Expired => counters.api_status(provider.expired_status()),
            Revoked => counters.api_status(401),
            Revocations => counters.revocations,
        }
    }
}
