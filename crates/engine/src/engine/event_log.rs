//! What the log says about the events of accounts.
//!
//! `warn` is for what a person must act on, `info` for logins and their end, `debug` for the rest.
//! What many accounts share, such as an outage, is logged once for all of them.

use tokenkeeper_refresh::Answer;
use tracing::field::display;

use super::{core::Core, entry::AccountEntry, report};
use crate::{
    error::{Error, ExchangeError},
    event::EventKind,
    store::ErrorChain,
};

/// Logs an event.
pub(crate) fn log_event(core: &Core, entry: &AccountEntry, kind: &EventKind) {
    let (site, now) = (&entry.site, core.time.now());
    let provider = site.provider.brand();
    match kind {
        EventKind::Connected => {
            tracing::info!(account = %entry.digest(), provider, "an account is connected");
        }
        EventKind::Disconnected => {
            tracing::info!(account = %entry.digest(), provider, "an account is disconnected");
        }
        EventKind::Forgotten => {
            tracing::info!(account = %entry.digest(), provider, "an account is forgotten");
        }
        EventKind::Superseded => tracing::info!(
            account = %entry.digest(),
            provider,
            "a newer login or a disconnect overtook a login"
        ),
        EventKind::ReauthorizationRequired { cause, .. } => {
            let error = last_refusal(entry);
            let error = error.as_ref().map(|error| display(ErrorChain::of(error)));
            tracing::warn!(
                account = %entry.digest(),
                provider,
                %cause,
                error,
                "an account needs a new login"
            );
        }
        EventKind::NoRefreshToken => tracing::warn!(
            account = %entry.digest(),
            provider,
            "a login brought no refresh token: the account needs another one once its access token \
             expires"
        ),
        EventKind::Misconfigured { .. } => match unattachable(entry) {
            Some(error) if site.unattachable.note_failure(now) => {
                let error = ErrorChain::of(&error);
                tracing::warn!(
                    account = %entry.digest(),
                    provider,
                    %error,
                    "tokens cannot be attached to requests; further accounts are counted"
                );
            }
            Some(_) => {}
            // Unless this process was refused itself, which is logged already.
            None if site.client_refusals.note_failure(now) => tracing::warn!(
                account = %entry.digest(),
                provider,
                "another process was refused as a client: check client id and secret"
            ),
            None => {}
        },
        EventKind::StoreBehind => core.store_health.note_behind(now),
        EventKind::StoreCaughtUp => core.store_health.note_caught_up(),
        EventKind::StoreRestored if core.store_health.note_restored(now) => tracing::warn!(
            account = %entry.digest(),
            provider,
            "the store had lost a record or gone back in time, and was restored from memory; \
             further records are counted"
        ),
        EventKind::UnreadableReplaced => tracing::warn!(
            account = %entry.digest(),
            provider,
            "a login replaced a record that could not be read"
        ),
        EventKind::RejectionsHeldOff { wait } if site.rejections.note_failure(now) => {
            tracing::warn!(
                account = %entry.digest(),
                provider,
                ?wait,
                "the API rejects tokens that have just been issued, so rejections cause no refresh \
                 for a while; further rejections are counted"
            );
        }
        _ => tracing::debug!(account = %entry.digest(), provider, event = ?kind, "account"),
    }
}

/// Returns the refusal for which the account needs a new login, if this process was refused.
fn last_refusal(entry: &AccountEntry) -> Option<ExchangeError> {
    let inner = entry.lock();
    let error = inner.cold_ref()?.exchange_error.as_ref()?;
    let refuses = matches!(
        report::answer(error),
        Answer::Terminal { .. } | Answer::Unexplained
    );
    refuses.then(|| error.clone())
}

/// Returns why the account's current token is not attached, if it is not.
fn unattachable(entry: &AccountEntry) -> Option<Error> {
    entry.lock().cold_ref()?.unattachable.clone()
}
