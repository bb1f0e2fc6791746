//! Every rule of the suite finds a provider that breaks it.

use std::{fmt, time::SystemTime};

use tokenkeeper_protocol::{
    AccessToken, Attachment, AuthorizationCode, AuthorizationRequest, AuthorizationResponse, Class,
    Client, Error, ErrorCode, ExpectedRedirect, Grant, GrantType, Origin, Provider, Redirect,
    RedirectError, RedirectUri, Refusal, RequestBody, RevocationOutcome, RevocationRules, State,
    TokenSet, Url, Verdict,
    bytes::Bytes,
    conformance::{self as rules, Subject, Violation},
    http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri},
};

use crate::support::*;

/// The fault of a [`Naive`] provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// No fault: no rule may find one.
    None,
    LosesTheQuery,
    SendsTheSecretAlong,
    OneStateForAll,
    TakesAnyRedirectUri,
    RefusesEveryRedirect,
    TakesAnyCode,
    RelativeUri,
    EmptyBody,
    RevokesBothAtOnce,
    WritesFormsByHand,
    ParametersInTheQuery,
    SecretHeaderInTheOpen,
    DebugShowsAll,
    ErrorsQuote,
    LosesTheRefreshToken,
    KeepsEmptyRefreshTokens,
    MakesTokensOfAnything,
    EveryRefusalIsFinal,
    QuotesTheAnswer,
    OwnHeader,
    RefusesEveryRevocation,
    EveryRevocationIsDone,
    QuotesTheRefusedRevocation,
    CleansTokens,
    EveryFailureIsARejection,
}
use Fault as F;

type Rule = fn(&Subject) -> Result<(), Violation>;

const BROKEN_BY: [(Rule, Fault); 32] = [
    (
        rules::the_authorization_url_has_client_id_and_redirect_uri,
        F::LosesTheQuery,
    ),
    (
        rules::the_authorization_url_has_no_secret,
        F::SendsTheSecretAlong,
    ),
    (
        rules::the_authorization_url_has_the_state,
        F::OneStateForAll,
    ),
    (
        rules::an_unregistered_redirect_uri_is_refused,
        F::TakesAnyRedirectUri,
    ),
    (
        rules::a_code_comes_back_with_the_state,
        F::RefusesEveryRedirect,
    ),
    (
        rules::a_code_with_a_foreign_state_is_refused,
        F::TakesAnyCode,
    ),
    (rules::a_code_with_an_error_is_refused, F::TakesAnyCode),
    (rules::a_repeated_code_is_refused, F::TakesAnyCode),
    (rules::a_denial_is_reported, F::TakesAnyCode),
    (rules::every_request_is_absolute_and_safe, F::RelativeUri),
    (rules::an_exchange_presents_the_code, F::EmptyBody),
    (
        rules::a_refresh_presents_the_refresh_token_and_no_code,
        F::EmptyBody,
    ),
    (rules::a_revocation_carries_one_token, F::RevokesBothAtOnce),
    (
        rules::a_value_cannot_break_out_of_its_place,
        F::WritesFormsByHand,
    ),
    (rules::no_secret_is_in_a_url, F::ParametersInTheQuery),
    (
        rules::secrets_in_headers_are_marked_sensitive,
        F::SecretHeaderInTheOpen,
    ),
    (rules::debug_shows_no_secret, F::DebugShowsAll),
    (rules::an_error_shows_no_secret, F::ErrorsQuote),
    (rules::tokens_are_read, F::LosesTheRefreshToken),
    (
        rules::an_empty_or_null_refresh_token_is_none,
        F::KeepsEmptyRefreshTokens,
    ),
    (
        rules::an_unreadable_response_decides_nothing,
        F::MakesTokensOfAnything,
    ),
    (
        rules::tokens_with_an_error_status_are_refused,
        F::MakesTokensOfAnything,
    ),
    (
        rules::a_busy_endpoint_ends_no_account,
        F::EveryRefusalIsFinal,
    ),
    (
        rules::a_refusal_shows_no_text_of_the_response,
        F::QuotesTheAnswer,
    ),
    (
        rules::an_accepted_revocation_is_done,
        F::RefusesEveryRevocation,
    ),
    (
        rules::a_refused_revocation_is_not_done,
        F::EveryRevocationIsDone,
    ),
    (
        rules::a_busy_endpoint_revokes_nothing,
        F::EveryRevocationIsDone,
    ),
    (
        rules::a_refused_revocation_shows_no_text_of_the_response,
        F::QuotesTheRefusedRevocation,
    ),
    (
        rules::a_token_is_attached_where_the_dialect_says,
        F::OwnHeader,
    ),
    (
        rules::a_token_that_breaks_out_of_a_header_is_refused,
        F::CleansTokens,
    ),
    (
        rules::a_rate_limit_is_never_a_rejection,
        F::EveryFailureIsARejection,
    ),
    (
        rules::a_server_error_rejects_no_token,
        F::EveryFailureIsARejection,
    ),
];

fn naive(fault: Fault) -> Subject {
    let client = with(|dialect| {
        let endpoint = "/revoke".to_owned().try_into().unwrap();
        dialect.revocation = Some(RevocationRules::new(endpoint));
    });
    Subject::new(Naive { client, fault })
}

#[test]
fn each_rule_finds_its_fault_and_no_other() {
    for (number, (rule, fault)) in BROKEN_BY.into_iter().enumerate() {
        let found = rule(&naive(F::None));
        assert!(found.is_ok(), "rule {number}: {found:?}");
        assert!(
            rule(&naive(fault)).is_err(),
            "rule {number} does not find {fault:?}"
        );
    }
}

struct Naive {
    client: Client,
    fault: Fault,
}

impl Naive {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn secret(&self) -> &str {
        self.client.registration().client_secret().unwrap().expose()
    }
}

impl fmt::Debug for Naive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            F::DebugShowsAll => f.write_str(self.secret()),
            fault => write!(f, "{fault:?}"),
        }
    }
}

impl Provider for Naive {
    fn client(&self) -> &Client {
        &self.client
    }

    fn authorization_url(
        &self,
        site: &Origin,
        request: &AuthorizationRequest<'_>,
    ) -> Result<Url, Error> {
        let fixed = State::new("fixed");
        let state = if self.is(F::OneStateForAll) {
            &fixed
        } else {
            request.state
        };
        let registered = RedirectUri::new(self.client.registration().redirect_uri());
        let redirect_uri = if self.is(F::TakesAnyRedirectUri) {
            &registered
        } else {
            request.redirect_uri
        };
        let request = AuthorizationRequest {
            state,
            redirect_uri,
            ..*request
        };
        let mut url = self.client.authorization_url(site, &request)?;
        match self.fault {
            F::LosesTheQuery => url.set_query(None),
            F::SendsTheSecretAlong => {
                url.query_pairs_mut()
                    .append_pair("client_secret", self.secret());
            }
            _ => {}
        }
        Ok(url)
    }

    fn read_redirect(
        &self,
        redirect: &Redirect,
        expected: &ExpectedRedirect<'_>,
    ) -> Result<AuthorizationResponse, RedirectError> {
        let Redirect::Query(text) = redirect else {
            return Err(RedirectError::Malformed);
        };
        match self.fault {
            F::RefusesEveryRedirect => Err(RedirectError::Malformed),
            F::TakesAnyCode => {
                let code = text.split('&').find_map(|pair| pair.strip_prefix("code="));
                let code = AuthorizationCode::new(code.ok_or(RedirectError::CodeMissing)?);
                Ok(AuthorizationResponse {
                    code,
                    state_returned: true,
                    extra: vec![],
                })
            }
            _ => self.client.read_redirect(redirect, expected),
        }
    }

    fn token_request(
        &self,
        site: &Origin,
        grant: &Grant<'_>,
    ) -> Result<Request<RequestBody>, Error> {
        let token = match grant {
            Grant::AuthorizationCode { code, .. } => code.expose(),
            Grant::RefreshToken { refresh_token, .. } => refresh_token.expose(),
            Grant::DeviceCode { device_code } => device_code.expose(),
        };
        let mut request = self.client.token_request(site, grant)?;
        match self.fault {
            F::RelativeUri => *request.uri_mut() = Uri::from_static("/token"),
            F::EmptyBody => *request.body_mut() = RequestBody::default(),
            F::WritesFormsByHand => {
                *request.body_mut() = RequestBody::new(format!("token={token}"));
            }
            F::ParametersInTheQuery => {
                let query = str::from_utf8(request.body()).unwrap();
                *request.uri_mut() = format!("{}?{query}", request.uri()).parse().unwrap();
            }
            F::SecretHeaderInTheOpen => {
                let value = HeaderValue::from_str(token).unwrap();
                request.headers_mut().insert("x-token", value);
            }
            F::ErrorsQuote => {
                HeaderValue::from_str(token).map_err(|_| Error::RedirectUri {
                    problem: format!("is of {token}"),
                })?;
            }
            _ => {}
        }
        Ok(request)
    }

    fn read_token_response(
        &self,
        grant_type: GrantType,
        response: &Response<Bytes>,
        sent_at: SystemTime,
    ) -> Result<TokenSet, Refusal> {
        let read = self
            .client
            .read_token_response(grant_type, response, sent_at);
        match self.fault {
            F::LosesTheRefreshToken => read.map(|tokens| TokenSet {
                refresh_token: None,
                ..tokens
            }),
            F::KeepsEmptyRefreshTokens => read.map(|mut tokens| {
                let empty = || tokenkeeper_protocol::RefreshToken::new("");
                tokens.refresh_token.get_or_insert_with(empty);
                tokens
            }),
            F::MakesTokensOfAnything => Ok(TokenSet::new("tokens")),
            F::EveryRefusalIsFinal => read.map_err(|mut refusal| {
                refusal.class = Class::Terminal;
                refusal
            }),
            F::QuotesTheAnswer => read.map_err(|mut refusal| {
                refusal.content_type = quoted(response);
                refusal
            }),
            _ => read,
        }
    }

    fn revocation_requests(
        &self,
        site: &Origin,
        tokens: &TokenSet,
    ) -> Result<Vec<Request<RequestBody>>, Error> {
        let mut requests = self.client.revocation_requests(site, tokens)?;
        if self.is(F::RevokesBothAtOnce) {
            for request in &mut requests {
                let refresh = tokens.refresh_token.as_ref().unwrap().expose();
                let both = format!(
                    "token={}&refresh_token={refresh}",
                    tokens.access_token.expose()
                );
                *request.body_mut() = RequestBody::new(both);
            }
        }
        Ok(requests)
    }

    fn read_revocation_response(&self, response: &Response<Bytes>) -> RevocationOutcome {
        let status = response.status();
        match self.fault {
            F::RefusesEveryRevocation => RevocationOutcome::Refused { status, code: None },
            F::EveryRevocationIsDone => RevocationOutcome::Done,
            F::QuotesTheRefusedRevocation => {
                let code = quoted(response).map(ErrorCode::from_static);
                RevocationOutcome::Refused { status, code }
            }
            _ => self.client.read_revocation_response(response),
        }
    }

    fn attach(&self, token: &AccessToken, kind: Option<&str>) -> Result<Attachment, Error> {
        match self.fault {
            F::OwnHeader => Ok(Attachment::Header {
                name: HeaderName::from_static("x-token"),
                value: HeaderValue::from_str(token.expose()).unwrap(),
            }),
            F::CleansTokens => {
                let plain: String = token
                    .expose()
                    .chars()
                    .filter(char::is_ascii_graphic)
                    .collect();
                self.client
                    .attach(&AccessToken::new(format!("x{plain}")), kind)
            }
            _ => self.client.attach(token, kind),
        }
    }

    fn read_resource_response(&self, status: StatusCode, headers: &HeaderMap) -> Verdict {
        if self.is(F::EveryFailureIsARejection) && !status.is_success() {
            return Verdict::Rejected;
        }
        self.client.read_resource_response(status, headers)
    }
}

/// Returns a word of the response that contains the refresh token.
fn quoted(response: &Response<Bytes>) -> Option<&'static str> {
    let text = String::from_utf8_lossy(response.body()).into_owned().leak();
    text.split([' ', '"'])
        .find(|word| word.contains("refresh-token"))
}
