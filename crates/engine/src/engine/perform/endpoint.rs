//! Calls to the provider.

use std::sync::Arc;

use tokenkeeper_protocol::{Grant, LoginData, Provider, RevocationOutcome, TokenSet};
use tokenkeeper_refresh::{Answer, Candidate, ChangeId, Revoked};
use tokenkeeper_store::ErrorChain;

use super::request::send_request;
use crate::{
    engine::{
        clock_check::compare_clocks,
        core::Core,
        entry::AccountEntry,
        payload::{Payload, Terms},
        report,
        site::ProviderSite,
    },
    error::ExchangeError,
    exchange::Exchange,
    metrics::TokenRequest,
    transport::TransportError,
};

/// Presents a refresh token, or the code or device code of a login. Returns the answer, its error
/// code for people, and the request for metrics.
pub(crate) async fn send(
    core: &Core,
    entry: &AccountEntry,
    candidate: Candidate,
    payload: Option<Payload>,
) -> (Answer<Payload>, Option<String>, Option<TokenRequest>) {
    let polls = |id| exchange_of(entry, id).is_some_and(|login| login.polls());
    let grant = match candidate {
        Candidate::Refresh => "refresh_token",
        Candidate::Login(id) if polls(id) => "device_code",
        Candidate::Login(_) => "authorization_code",
    };
    let sent_at = core.time.monotonic();
    let result = exchange(core, entry, candidate, payload).await;
    let took = core.time.monotonic().saturating_sub(sent_at);
    let ended = |failed| TokenRequest {
        grant,
        failed,
        took,
    };
    match result {
        Ok(payload) => {
            note_answered(core, &entry.site);
            if candidate == Candidate::Refresh
                && let Some(cold) = entry.lock().cold_mut()
            {
                cold.exchange_error = None;
            }
            let answer = Answer::Tokens(payload.shared(&entry.site.shared));
            (answer, None, Some(ended(None)))
        }
        Err(error) => {
            let (answer, code) = (report::answer(&error), report::code(&error));
            if matches!(answer, Answer::Pending { .. }) {
                note_answered(core, &entry.site);
                // Polls while a person decides say nothing about the endpoint.
                return (answer, code, None);
            }
            let is_sent = !matches!(error, ExchangeError::TooLate);
            log_failure(core, entry, candidate, &error, &answer);
            let mut inner = entry.lock();
            match candidate {
                Candidate::Refresh => inner.cold().exchange_error = Some(error),
                Candidate::Login(id) => inner.cold().set_login_error(id, error),
            }
            // Otherwise nothing was to be sent.
            let request = is_sent.then(|| ended(answer.failure_class()));
            (answer, code, request)
        }
    }
}

/// Logs a failed token request with the whole chain of its causes. Of the failures that a site's
/// accounts share, the log has the first, until the endpoint gives tokens again.
fn log_failure(
    core: &Core,
    entry: &AccountEntry,
    candidate: Candidate,
    error: &ExchangeError,
    answer: &Answer<Payload>,
) {
    let (site, now) = (&entry.site, core.time.now());
    let (account, provider) = (entry.digest(), site.provider.brand());
    let chain = ErrorChain::of(error);
    match (answer, error) {
        // Nothing was sent.
        (_, ExchangeError::TooLate) => {}
        (Answer::Terminal { .. }, _) => {
            note_answered(core, site);
            match candidate {
                Candidate::Login(_) => {
                    tracing::info!(%account, provider, error = %chain, "a code is refused");
                }
                // The event that the account needs a new login is logged as a warning.
                Candidate::Refresh => {
                    tracing::debug!(%account, provider, error = %chain, "a grant is refused");
                }
            }
        }
        (Answer::Configuration, _) if site.client_refusals.note_failure(now) => tracing::warn!(
            %account,
            provider,
            error = %chain,
            "the token endpoint refuses this client, and tokens are kept; further refusals are \
             counted"
        ),
        (Answer::Configuration, _) => {
            tracing::debug!(%account, provider, error = %chain, "the client is refused");
        }
        _ if site.token_requests.note_failure(now) => tracing::warn!(
            %account,
            provider,
            error = %chain,
            "token requests fail; further failures are counted"
        ),
        _ => tracing::debug!(%account, provider, error = %chain, "a token request failed"),
    }
}

/// Notes an answer of the token endpoint about a grant, and logs it if requests failed before.
fn note_answered(core: &Core, site: &ProviderSite) {
    let (provider, now) = (site.provider.brand(), core.time.now());
    if let Some(ended) = site.token_requests.note_success(now) {
        let (failures, lasted) = (ended.failures, ended.lasted);
        tracing::info!(provider, failures, ?lasted, "token requests succeed again");
    }
    if let Some(ended) = site.client_refusals.note_success(now) {
        let (failures, lasted) = (ended.failures, ended.lasted);
        tracing::info!(
            provider,
            failures,
            ?lasted,
            "the token endpoint accepts this client again"
        );
    }
}

/// What a token request presents.
enum Presented {
    /// The refresh token of these tokens.
    RefreshToken(Payload),
    /// The code of a login.
    Code(Arc<Exchange>),
}

impl Presented {
    fn grant(&self) -> Option<Grant<'_>> {
        match self {
            Self::Code(exchange) => Some(exchange.grant()),
            Self::RefreshToken(payload) => {
                let terms = payload.terms();
                Some(Grant::RefreshToken {
                    refresh_token: payload.refresh_token.as_ref()?,
                    redirect_uri: &terms.redirect_uri,
                    scope: terms.scope.as_deref(),
                })
            }
        }
    }

    /// Returns how many names the login data is known to have no room for.
    fn dropped(&self) -> usize {
        match self {
            Self::RefreshToken(payload) => payload.login_data().dropped().len(),
            Self::Code(_) => 0,
        }
    }

    /// Returns the payload of the tokens that came for it.
    fn into_payload(self, tokens: TokenSet, keeps: bool) -> Payload {
        match self {
            Self::RefreshToken(payload) => payload.refreshed(tokens, keeps),
            Self::Code(exchange) => {
                let terms = Terms {
                    redirect_uri: exchange.redirect_uri.clone(),
                    scope: exchange.scope.clone(),
                };
                Payload::first(tokens, exchange.redirect.clone(), terms)
            }
        }
    }
}

/// Sends the token request and reads its response.
async fn exchange(
    core: &Core,
    entry: &AccountEntry,
    candidate: Candidate,
    payload: Option<Payload>,
) -> Result<Payload, ExchangeError> {
    let (site, sent_at) = (&entry.site, core.time.wall_time());
    let presented = match candidate {
        Candidate::Refresh => payload.map(Presented::RefreshToken),
        Candidate::Login(id) => exchange_of(entry, id).map(Presented::Code),
    };
    let presented = presented.ok_or(ExchangeError::TooLate)?;
    let grant = presented.grant().ok_or(ExchangeError::TooLate)?;
    let kind = grant.grant_type();
    let request = site.provider.token_request(&site.site, &grant);
    let request = request.map_err(|error| ExchangeError::Request(Arc::new(error)))?;
    let response = send_request(core, site, request).await;
    let response = response.map_err(|error| ExchangeError::Transport(Arc::new(error)))?;
    compare_clocks(core, site, &response, sent_at);
    let tokens = site.provider.read_token_response(kind, &response, sent_at);
    let tokens = tokens.map_err(|refusal| ExchangeError::Refused(Arc::new(refusal)))?;
    let keeps = site.provider.client().dialect().refresh.keep_when_absent;
    let known = presented.dropped();
    let payload = presented.into_payload(tokens, keeps);
    warn_of_dropped(entry, payload.login_data(), known);
    Ok(payload)
}

/// Returns the pending code exchange of a login.
fn exchange_of(entry: &AccountEntry, id: ChangeId) -> Option<Arc<Exchange>> {
    let inner = entry.lock();
    inner.cold_ref()?.exchange(id)
}

/// Logs which login data has no room, unless all of it is `known`. It costs no token, and the
/// application can ask for it.
fn warn_of_dropped(entry: &AccountEntry, login_data: &LoginData, known: usize) {
    let dropped = login_data.dropped();
    if dropped.len() > known {
        let account = entry.digest();
        tracing::warn!(%account, ?dropped, "login data of more than 64 KiB was left out");
    }
}

/// Sends the provider's revocation requests, and logs when they begin to fail and when they succeed
/// again.
pub(crate) async fn revoke(core: &Core, entry: &AccountEntry, payload: &Payload) -> Revoked {
    let site = &entry.site;
    let (result, provider) = (try_revoke(core, site, payload).await, site.provider.brand());
    match result {
        Ok(()) => {
            if let Some(ended) = site.revocations.note_success(core.time.now()) {
                let (failures, lasted) = (ended.failures, ended.lasted);
                tracing::info!(provider, failures, ?lasted, "revocations succeed again");
            }
            Revoked::Done
        }
        Err((outcome, error)) => {
            if site.revocations.note_failure(core.time.now()) {
                let account = entry.digest();
                tracing::warn!(
                    %account,
                    provider,
                    ?outcome,
                    error,
                    "revocations fail; further failures are counted"
                );
            }
            outcome
        }
    }
}

/// Sends the provider's revocation requests. A failure comes with its text.
async fn try_revoke(
    core: &Core,
    site: &ProviderSite,
    payload: &Payload,
) -> Result<(), (Revoked, String)> {
    let requests = site
        .provider
        .revocation_requests(&site.site, &payload.token_set())
        .map_err(|error| (Revoked::Refused, ErrorChain::of(&error).to_string()))?;
    for request in requests {
        let response = send_request(core, site, request).await;
        let response = response.map_err(|error| {
            let outcome = match error {
                TransportError::AddressRefused(_) => Revoked::Refused,
                _ => Revoked::Unavailable,
            };
            (outcome, ErrorChain::of(&error).to_string())
        })?;
        let outcome = site.provider.read_revocation_response(&response);
        let failure = match &outcome {
            RevocationOutcome::Done => continue,
            RevocationOutcome::Unavailable { .. } => Revoked::Unavailable,
            _ => Revoked::Refused,
        };
        return Err((failure, format!("{outcome:?}")));
    }
    Ok(())
}
