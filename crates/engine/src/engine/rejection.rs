//! What responses of the API say of a token, and what callers do about a rejected one.

use std::sync::{Arc, atomic::Ordering};

use http::{HeaderMap, StatusCode};
use tokenkeeper_protocol::{Provider, Verdict};
use tokenkeeper_refresh::{Failure, Input, TokenVersion};

use super::{
    acquire,
    core::Core,
    entry::AccountEntry,
    pump::{self, Next},
    report,
    snapshot::Snapshot,
};
use crate::{error::Error, event::EventKind};

/// A token to replay with after the API rejected `rejected`; `None` if none is worth a replay.
/// Cancel safe.
pub(crate) async fn replacement(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    rejected: TokenVersion,
) -> Result<Option<Arc<Snapshot>>, Error> {
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

/// Starts the refresh that a rejection calls for, if it does.
pub(crate) fn report_rejection(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    rejected: TokenVersion,
) {
    pump::step(core, entry, Input::Rejected(rejected));
}

/// Whether there is nothing to learn from a response with this status: it is no failure, and no
/// token is on trial.
#[inline]
pub(crate) fn is_content(entry: &AccountEntry, status: StatusCode) -> bool {
    !is_failure(status) && !entry.on_trial.load(Ordering::Acquire)
}

/// What a response says, and what follows from it for the token that was sent.
pub(crate) fn classify_response(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    sent: TokenVersion,
    status: StatusCode,
    headers: &HeaderMap,
) -> Verdict {
    let verdict = if is_failure(status) {
        entry.site.provider.read_resource(status, headers)
    } else {
        Verdict::Accepted
    };
    if let Verdict::RateLimited { retry_after } = &verdict {
        let retry_after = *retry_after;
        core.emit(entry, EventKind::RateLimited { retry_after });
    } else if entry.on_trial.load(Ordering::Acquire) {
        let accepted = !matches!(verdict, Verdict::Rejected);
        let version = sent;
        pump::step(core, entry, Input::Judged { version, accepted });
    }
    verdict
}

/// A non-error response never rejects the token, whatever the dialect says.
#[inline]
fn is_failure(status: StatusCode) -> bool {
    status.as_u16() >= 400
}
