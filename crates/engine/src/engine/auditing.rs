//! Makes the entries of the audit trail: from the facts that the machine reports, and from what the
//! engine refuses before a machine is asked. No entry is made elsewhere.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokenkeeper_protocol::{ErrorCode, Provider as _, RedirectError};
use tokenkeeper_refresh::{Cause, ChangeKind, Changed, Fact, Failure};
use tokio::task::JoinHandle;

use super::{
    core::Core,
    entry::{AccountEntry, Inner},
};
use crate::{
    audit::{Actor, AuditKind, AuditReason, NewEntry},
    error::{Error, ExchangeError},
};

/// Returns the entry for a fact; `None` if there is no audit trail, or nothing was done.
pub(crate) fn describe(
    core: &Core,
    entry: &AccountEntry,
    inner: &mut Inner,
    fact: Fact,
) -> Option<NewEntry> {
    core.audit.as_ref()?;
    let (kind, authorization, actor) = match fact {
        Fact::Changed(changed) => {
            let actor = inner
                .cold_mut()
                .and_then(|cold| cold.take_actor(changed.id));
            if changed.repeated {
                return None;
            }
            let number = changed.number;
            (kind_of(changed, inner), number, actor)
        }
        Fact::Refreshed(version) => {
            let generation = version.generation;
            let kind = AuditKind::Refreshed { generation };
            (kind, Some(version.authorization), take_refresh_actor(inner))
        }
        Fact::Refused { number, cause } => {
            let reason = match cause {
                Cause::ResponseLost => AuditReason::ResponseLost,
                Cause::NoRefreshToken => AuditReason::NoRefreshToken,
                Cause::Refused(_) => AuditReason::GrantRefused,
                Cause::Unexplained => AuditReason::RefusedWithoutReason,
                _ => AuditReason::Other,
            };
            let error = inner
                .cold_ref()
                .and_then(|cold| cold.exchange_error.as_ref());
            let code = error.and_then(code_of);
            let kind = AuditKind::ReauthorizationRequired { reason, code };
            (kind, Some(number), take_refresh_actor(inner))
        }
        Fact::Revoked { number } => (AuditKind::Revoked, Some(number), None),
        Fact::RevocationFailed { number } => (AuditKind::RevocationFailed, Some(number), None),
    };
    Some(NewEntry {
        authorization: authorization.filter(|number| *number > 0),
        ..about(entry, kind, actor)
    })
}

/// Returns on whose behalf the refresh was started, once.
fn take_refresh_actor(inner: &mut Inner) -> Option<Actor> {
    inner.cold_mut()?.refresh_actor.take()
}

/// Returns the kind of the entry for a change that did something.
fn kind_of(changed: Changed, inner: &Inner) -> AuditKind {
    let Err(failure) = changed.result else {
        return match changed.kind {
            ChangeKind::Login => AuditKind::LoginFinished,
            ChangeKind::Adoption => AuditKind::Adopted,
            ChangeKind::Disconnect => AuditKind::Disconnected,
            ChangeKind::Forget => AuditKind::Forgotten,
        };
    };
    let errors = inner.cold_ref().map(|cold| cold.login_errors.iter());
    let error = match failure {
        Failure::Refused(id) => errors.into_iter().flatten().find(|(other, _)| *other == id),
        _ => None,
    };
    let reason = match error {
        Some((_, error)) => AuditReason::of_exchange(error),
        None => AuditReason::of_failure(&failure),
    };
    match changed.kind {
        ChangeKind::Login => AuditKind::LoginFailed {
            reason,
            code: error.and_then(|(_, error)| code_of(error)),
        },
        ChangeKind::Adoption => AuditKind::AdoptionFailed { reason },
        ChangeKind::Disconnect => AuditKind::DisconnectFailed { reason },
        ChangeKind::Forget => AuditKind::ForgetFailed { reason },
    }
}

/// Returns the error code of the token endpoint, unless it is an unlisted one.
fn code_of(error: &ExchangeError) -> Option<ErrorCode> {
    let ExchangeError::Refused(refusal) = error else {
        return None;
    };
    refusal.code.clone().filter(|code| code.as_str().is_some())
}

/// Makes an entry about an account.
fn about(entry: &AccountEntry, kind: AuditKind, actor: Option<Actor>) -> NewEntry {
    NewEntry {
        provider: Some(entry.site.provider.brand().into()),
        account: Some(entry.digest()),
        actor,
        ..NewEntry::of(kind)
    }
}

/// Records that a login was started.
pub(crate) fn record_start(core: &Core, entry: &AccountEntry) {
    record(core, || {
        about(entry, AuditKind::LoginStarted, Actor::current())
    });
}

/// Records a login that failed before its code could be sent. `entry`: its account, if the flow
/// names one.
pub(crate) fn record_refused_callback(core: &Core, entry: Option<&AccountEntry>, error: &Error) {
    record(core, || {
        let code = match error {
            Error::Redirect(denied) => match &**denied {
                RedirectError::Denied { error, .. }
                | RedirectError::DeniedWithoutState { error } => Some(error.clone()),
                _ => None,
            },
            _ => None,
        };
        let kind = AuditKind::LoginFailed {
            reason: AuditReason::of_callback(error),
            code: code.filter(|code| code.as_str().is_some()),
        };
        match entry {
            Some(entry) => about(entry, kind, Actor::current()),
            None => NewEntry::of(kind),
        }
    });
}

/// Records a record that could not be opened.
pub(crate) fn record_unreadable(core: &Core, entry: &AccountEntry, error: &Error) {
    record(core, || {
        let reason = AuditReason::of_record(error);
        about(entry, AuditKind::RecordNotOpened { reason }, None)
    });
}

/// Records a site that the provider's policy refused.
pub(crate) fn record_refused_site(core: &Core, brand: &str, site: &str) {
    record(core, || {
        let hash = Sha256::digest(site.as_bytes());
        let site = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        NewEntry {
            provider: Some(Arc::from(brand)),
            ..NewEntry::of(AuditKind::SiteRefused { site })
        }
    });
}

fn record(core: &Core, entry: impl FnOnce() -> NewEntry) {
    if let Some(trail) = &core.audit {
        trail.push(entry(), core.moment());
    }
}

/// Returns whether operations must wait, since the audit trail is full and callers shall wait for
/// it.
#[inline]
pub(crate) fn holds_back(core: &Core) -> bool {
    core.audit.as_ref().is_some_and(|trail| trail.holds_back())
}

/// Waits until the audit trail has room for what an operation will add. Without back-pressure
/// there is no wait.
///
/// # Errors
/// [`Error::AuditFull`] after [`Options::acquire_timeout`](crate::Options::acquire_timeout).
pub(crate) async fn admit(core: &Core) -> Result<(), Error> {
    if !holds_back(core) {
        return Ok(());
    }
    match wait_for_room(core)?.await {
        Ok(true) => Ok(()),
        _ => Err(Error::AuditFull),
    }
}

/// A wait for room, which results in whether there is some.
pub(crate) type Admission = JoinHandle<bool>;

/// Waits for room on the engine's runtime, since that of the caller may have no timers.
///
/// # Errors
/// [`Error::NoRuntime`] if no task can wait.
pub(crate) fn wait_for_room(core: &Core) -> Result<Admission, Error> {
    let (trail, timeout) = (core.audit.clone(), core.options.acquire_timeout);
    let wait = async move {
        match trail {
            Some(trail) => tokio::time::timeout(timeout, trail.wait_for_room())
                .await
                .is_ok(),
            None => true,
        }
    };
    Ok(core.runtime.handle()?.spawn(wait))
}
