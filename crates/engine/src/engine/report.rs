//! Conversions between the machine's types and those of the public API.

use std::time::Duration;

use tokenkeeper_protocol::Class;
use tokenkeeper_refresh::{Answer, Failure, Notice, Revoked};

use super::{
    core::Core,
    entry::{AccountEntry, Inner},
    payload::Payload,
};
use crate::{
    clock::system_time,
    error::{Error, ExchangeError, FlowError},
    event::EventKind,
    transport::TransportError,
};

/// Returns the public error for a failure.
pub(crate) fn error(core: &Core, entry: &AccountEntry, inner: &Inner, failure: Failure) -> Error {
    let account = entry.digest();
    let cold = inner.cold_ref();
    let exchange = || cold.and_then(|cold| cold.exchange_error.clone());
    match failure {
        Failure::NotConnected => Error::NotConnected { account },
        Failure::Disconnected => Error::Disconnected { account },
        Failure::Reauthorize(cause) => Error::ReauthorizationRequired { account, cause },
        Failure::Misconfigured => Error::Configuration {
            account,
            source: exchange(),
        },
        Failure::Backoff(retry_after) => Error::Unavailable {
            account,
            retry_after,
            source: exchange(),
        },
        Failure::Store => {
            cold.and_then(|cold| cold.store_error.clone())
                .unwrap_or(Error::Timeout {
                    account,
                    waited: Duration::ZERO,
                })
        }
        Failure::TooLate => Error::StoreTooSlow { account },
        Failure::Superseded => Error::Superseded { account },
        Failure::Refused(id) => Error::Exchange {
            account,
            source: cold
                .and_then(|cold| cold.login_errors.iter().find(|(other, _)| *other == id))
                .map_or(ExchangeError::TooLate, |(_, error)| error.clone()),
        },
        Failure::FlowExpired => FlowError::Expired.into(),
        Failure::FlowUsed => FlowError::Used.into(),
        Failure::RevocationPending => Error::RevocationPending { account },
        Failure::Timeout => Error::Timeout {
            account,
            waited: core.options.acquire_timeout,
        },
        Failure::Closing => Error::ShutDown,
    }
}

/// Returns the public event for a notice.
pub(crate) fn event(notice: Notice) -> EventKind {
    match notice {
        Notice::Connected => EventKind::Connected,
        Notice::Disconnected => EventKind::Disconnected,
        Notice::Forgotten => EventKind::Forgotten,
        Notice::Superseded => EventKind::Superseded,
        Notice::Refreshed(version) => EventKind::Refreshed {
            generation: version.generation,
        },
        Notice::RefreshFailed(retry_after, reason) => EventKind::RefreshFailed {
            retry_after,
            failure: reason.map(Into::into),
        },
        Notice::Reauthorize(cause, reason) => EventKind::ReauthorizationRequired {
            cause,
            failure: reason.map(Into::into),
        },
        Notice::NoRefreshToken => EventKind::NoRefreshToken,
        Notice::RefusedWithoutReason(since, reason) => EventKind::RefusedWithoutReason {
            since: system_time(since),
            failure: reason.map(Into::into),
        },
        Notice::Misconfigured(reason) => EventKind::Misconfigured {
            failure: reason.map(Into::into),
        },
        Notice::StoreBehind => EventKind::StoreBehind,
        Notice::StoreCaughtUp => EventKind::StoreCaughtUp,
        Notice::StoreRestored => EventKind::StoreRestored,
        Notice::UnreadableReplaced => EventKind::UnreadableReplaced,
        Notice::ServedUnvalidated => EventKind::ServedUnvalidated,
        Notice::RejectionsHeldOff(wait) => EventKind::RejectionsHeldOff { wait },
        Notice::RevocationPending(outcome) => EventKind::RevocationPending {
            refused: outcome == Revoked::Refused,
        },
    }
}

/// Returns the error code of a failed token request, as it may be shown to people.
pub(crate) fn code(error: &ExchangeError) -> Option<String> {
    let ExchangeError::Refused(refusal) = error else {
        return None;
    };
    let code = refusal.code.as_ref()?;
    Some(code.as_str().unwrap_or(UNLISTED).to_owned())
}

/// Stands for an error code that is not safe to show.
const UNLISTED: &str = "unlisted";

/// Returns the machine's input for a failed token request.
pub(crate) fn answer(error: &ExchangeError) -> Answer<Payload> {
    let transient = |retry_after, may_have_redeemed| Answer::Transient {
        retry_after,
        may_have_redeemed,
    };
    match error {
        ExchangeError::Transport(error) => match **error {
            TransportError::NotSent(_) => transient(None, false),
            TransportError::AddressRefused(_) => Answer::Configuration,
            TransportError::TimedOut => Answer::TimedOut,
            TransportError::Unknown(_) | TransportError::TooLarge => Answer::Ambiguous,
        },
        ExchangeError::Request(_) => Answer::Configuration,
        ExchangeError::TooLate => transient(None, false),
        ExchangeError::Refused(refusal) => match refusal.class {
            Class::Transient { retry_after } => {
                let failed = refusal
                    .status
                    .is_some_and(|status| status.is_server_error());
                transient(retry_after, failed)
            }
            Class::Ambiguous => Answer::Ambiguous,
            Class::Terminal => Answer::Terminal {
                code: refusal.code.as_ref().map(ToString::to_string),
            },
            Class::Unexplained => Answer::Unexplained,
            Class::Configuration => Answer::Configuration,
            Class::Pending => Answer::Pending { slow_down: false },
            Class::SlowDown => Answer::Pending { slow_down: true },
        },
    }
}
