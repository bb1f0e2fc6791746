//! Calls to the provider.

use std::sync::{Arc, atomic::Ordering};

use http::StatusCode;
use tokenkeeper_protocol::{Class, Grant, GrantKind, Provider, TokenSet};

use super::Driver;
use crate::{TransportError, error::ExchangeError, machine::Answer, record::Held};

impl Driver<'_> {
    pub(super) async fn send(&mut self, held: Option<Held>) -> Answer<Held> {
        let (home, sent_at) = (&self.slot.home, self.core.time.wall_time());
        let (kind, request, terms) = match (&held, self.exchange) {
            (Some(held), _) => {
                let Some(refresh_token) = &held.tokens.refresh_token else {
                    return Answer::Terminal { code: None };
                };
                let grant = Grant::Refresh {
                    refresh_token,
                    redirect_uri: &held.terms.redirect_uri,
                    scope: held.terms.scope.as_deref(),
                };
                let request = home.provider.token_request(&home.site, &grant);
                (GrantKind::Refresh, request, held.terms.clone())
            }
            (None, Some(exchange)) => {
                let request = home.provider.token_request(&home.site, &exchange.grant());
                (GrantKind::Code, request, exchange.terms.clone())
            }
            (None, None) => return Answer::Configuration,
        };
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                tracing::error!(account = %self.slot.digest(), %error, "a token request cannot be built");
                self.exchange_error = Some(ExchangeError::Request(Arc::new(error)));
                return Answer::Configuration;
            }
        };
        if home.old_token_dies && kind == GrantKind::Refresh {
            self.slot.presenting.store(true, Ordering::Release);
        }
        let response = self.core.transport.send(request, home.rules.deadline).await;
        let tokens = match response {
            Ok(response) => home
                .provider
                .read_token_response(kind, &response, sent_at)
                .map_err(ExchangeError::Refused),
            Err(error) => Err(ExchangeError::Transport(Arc::new(error))),
        };
        match tokens {
            Ok(tokens) => {
                let keeps = home.provider.client().dialect().refresh.keep_when_absent;
                Answer::Tokens(Held {
                    tokens: merged(held.filter(|_| keeps), tokens),
                    terms,
                })
            }
            Err(error) => {
                tracing::warn!(account = %self.slot.digest(), %error, "the token endpoint gave no tokens");
                let answer = classify(&error);
                self.exchange_error = Some(error);
                answer
            }
        }
    }

    /// Sends the revocations that the provider has. Says whether all were answered.
    pub(crate) async fn revoke(&self, tokens: &TokenSet) -> bool {
        let home = &self.slot.home;
        let requests = match home.provider.revocation_requests(&home.site, tokens) {
            Ok(requests) => requests,
            Err(error) => {
                tracing::error!(account = %self.slot.digest(), %error, "a revocation cannot be built");
                return true;
            }
        };
        for request in requests {
            let answer = self.core.transport.send(request, home.rules.deadline).await;
            // RFC 7009 §2.2: a token that is unknown there is as good as revoked; a server that is ill has decided nothing.
            let answered = answer.is_ok_and(|response| {
                let status = response.status();
                !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS
            });
            if !answered {
                return false;
            }
        }
        true
    }
}

/// An answer without a refresh token leaves the one we have good (RFC 6749 §6).
fn merged(old: Option<Held>, mut new: TokenSet) -> TokenSet {
    if let Some(old) = old {
        new.refresh_token = new.refresh_token.or(old.tokens.refresh_token);
        new.scope = new.scope.or(old.tokens.scope);
    }
    new
}

fn classify(error: &ExchangeError) -> Answer<Held> {
    match error {
        ExchangeError::Transport(error) => match **error {
            TransportError::NotSent(_) => Answer::Transient { retry_after: None },
            TransportError::TimedOut | TransportError::Unknown(_) | TransportError::TooLarge => {
                Answer::Ambiguous
            }
        },
        ExchangeError::Request(_) => Answer::Configuration,
        ExchangeError::TooLate => Answer::Transient { retry_after: None },
        ExchangeError::Refused(refusal) => match refusal.class {
            Class::Transient { retry_after } => Answer::Transient { retry_after },
            Class::Ambiguous => Answer::Ambiguous,
            Class::Terminal => Answer::Terminal {
                code: refusal.code.as_ref().map(ToString::to_string),
            },
            Class::Unexplained => Answer::Unexplained,
            Class::Configuration => Answer::Configuration,
        },
    }
}
