//! Calls to the provider.

use std::{error::Error as _, sync::Arc};

use tokenkeeper_protocol::{Grant, LoginData, Provider, RevocationOutcome, TokenSet};
use tokenkeeper_refresh::{Answer, Candidate, Revoked};

use super::request::send_request;
use crate::{
    engine::{
        core::Core,
        entry::AccountEntry,
        payload::{Payload, Terms},
        report,
    },
    error::ExchangeError,
    exchange::Exchange,
};

/// Presents a refresh token or the code of a login.
pub(crate) async fn send(
    core: &Core,
    entry: &AccountEntry,
    candidate: Candidate,
    payload: Option<Payload>,
) -> Answer<Payload> {
    match exchange(core, entry, candidate, payload).await {
        Ok(payload) => {
            if candidate == Candidate::Refresh
                && let Some(cold) = entry.lock().cold_mut()
            {
                cold.exchange_error = None;
            }
            Answer::Tokens(payload.shared(&entry.site.shared))
        }
        Err(error) => {
            let account = entry.digest();
            let cause = error.source().map(ToString::to_string);
            tracing::warn!(%account, %error, cause, "a token request failed");
            let answer = report::answer(&error);
            let mut inner = entry.lock();
            match candidate {
                Candidate::Refresh => inner.cold().exchange_error = Some(error),
                Candidate::Login(id) => inner.cold().login_errors.push((id, error)),
            }
            answer
        }
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
        Candidate::Login(id) => entry.lock().exchange(id).map(Presented::Code),
    };
    let presented = presented.ok_or(ExchangeError::TooLate)?;
    let grant = presented.grant().ok_or(ExchangeError::TooLate)?;
    let kind = grant.grant_type();
    let request = site.provider.token_request(&site.site, &grant);
    let request = request.map_err(|error| ExchangeError::Request(Arc::new(error)))?;
    let response = send_request(core, request).await;
    let response = response.map_err(|error| ExchangeError::Transport(Arc::new(error)))?;
    let tokens = site.provider.read_token_response(kind, &response, sent_at);
    let tokens = tokens.map_err(|refusal| ExchangeError::Refused(Arc::new(refusal)))?;
    let keeps = site.provider.client().dialect().refresh.keep_when_absent;
    let known = presented.dropped();
    let payload = presented.into_payload(tokens, keeps);
    warn_of_dropped(entry, payload.login_data(), known);
    Ok(payload)
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

/// Sends the provider's revocation requests.
pub(crate) async fn revoke(core: &Core, entry: &AccountEntry, payload: &Payload) -> Revoked {
    let site = &entry.site;
    let tokens = payload.token_set();
    let requests = match site.provider.revocation_requests(&site.site, &tokens) {
        Ok(requests) => requests,
        Err(error) => {
            let account = entry.digest();
            tracing::error!(%account, %error, "a revocation request cannot be built");
            return Revoked::Refused;
        }
    };
    for request in requests {
        let Ok(response) = send_request(core, request).await else {
            return Revoked::Unavailable;
        };
        match site.provider.read_revocation_response(&response) {
            RevocationOutcome::Done => {}
            RevocationOutcome::Unavailable { .. } => return Revoked::Unavailable,
            outcome => {
                tracing::warn!(account = %entry.digest(), ?outcome, "a revocation was refused");
                return Revoked::Refused;
            }
        }
    }
    Revoked::Done
}
