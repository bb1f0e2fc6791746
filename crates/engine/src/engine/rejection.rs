//! The handling of API responses: their classification, and the replacement of rejected tokens.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use tokenkeeper_protocol::{Provider, Verdict};
use tokenkeeper_refresh::{Failure, Input, TokenVersion};

use super::{
    acquire, auditing,
    core::Core,
    entry::AccountEntry,
    entry_state::EntryState,
    pump::{self, Next},
    report,
    snapshot::Snapshot,
};
use crate::{error::Error, event::EventKind, grpc};

/// Returns a token to replay with after the API rejected `rejected`; `None` if no token is worth a
/// replay. Cancel safe.
pub(crate) async fn replacement(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    rejected: TokenVersion,
) -> Result<Option<Arc<Snapshot>>, Error> {
    core.metrics.note_rejection(entry.site.provider.brand());
    auditing::admit(core).await?;
    for _ in 0..4 {
        let wait = match pump::ask(core, entry, Input::Rejected(rejected)) {
            Some(Next::Current) => return acquire::token(core, entry, true).await.map(Some),
            Some(Next::Fail(error)) => return Err(error),
            Some(Next::Wait(_, wait)) => wait,
            Some(Next::HeldOff | Next::Serve) | None => return Ok(None),
        };
        match wait.await {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(error),
            None => return Err(report::error(core, entry, &entry.lock(), Failure::Timeout)),
        }
    }
    Ok(None)
}

/// Reports a rejection, which may start a refresh in the background.
pub(crate) fn report_rejection(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    rejected: TokenVersion,
) {
    core.metrics.note_rejection(entry.site.provider.brand());
    if !auditing::holds_back(core) {
        pump::step(core, entry, Input::Rejected(rejected));
    }
}

/// The status below which a response needs no classification, as a type with spare values: what a
/// front remembers has more states, and takes no more room for them.
#[derive(Clone, Copy, Debug)]
#[repr(u16)]
pub(crate) enum ContentBelow {
    /// A token on trial needs all.
    Any = 0,
    /// A response below is no error.
    Failure = FIRST_FAILURE,
}

/// Returns the status below which a response to a request that is sent now needs no classification.
/// `state`: that of the account.
#[inline]
pub(crate) fn content_below(state: u64) -> ContentBelow {
    if EntryState::is_trial(state) {
        ContentBelow::Any
    } else {
        ContentBelow::Failure
    }
}

/// Classifies a response and tells the machine whether a token on trial was accepted.
pub(crate) fn classify_response(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    sent: TokenVersion,
    status: StatusCode,
    headers: &HeaderMap,
) -> Verdict {
    let status = grpc::status_of(status, headers);
    let verdict = if is_failure(status) {
        entry.site.provider.read_resource_response(status, headers)
    } else {
        Verdict::Accepted
    };
    let event = match &verdict {
        Verdict::RateLimited { retry_after } => Some(EventKind::RateLimited {
            retry_after: *retry_after,
        }),
        Verdict::InsufficientScope { scopes } => Some(EventKind::InsufficientScope {
            scopes: scopes.clone(),
        }),
        _ => None,
    };
    let rate_limited = matches!(verdict, Verdict::RateLimited { .. });
    if let Some(event) = event {
        core.emit(entry, event);
    }
    // A rate limit says nothing about the token.
    if rate_limited {
        return verdict;
    }
    if entry.state.is_on_trial() {
        let accepted = !matches!(verdict, Verdict::Rejected);
        let version = sent;
        pump::step(core, entry, Input::Judged { version, accepted });
    }
    verdict
}

/// A non-error response never rejects the token, whatever the dialect says.
fn is_failure(status: StatusCode) -> bool {
    status.as_u16() >= FIRST_FAILURE
}

const FIRST_FAILURE: u16 = 400;
