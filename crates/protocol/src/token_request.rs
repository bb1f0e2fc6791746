//! Token requests (RFC 6749 §4.1.3, §6).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use form_urlencoded::{Serializer, byte_serialize};
use http::{
    HeaderName, Request,
    header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE},
    request::Builder,
};
use zeroize::Zeroizing;

use crate::{
    client::Client,
    dialect::{ClientAuthentication, ParameterPlace, TokenParameter, TokenValue},
    error::Error,
    grant::Grant,
    header::sensitive_header,
    origin::Origin,
    secret::{ClientSecret, CodeVerifier},
};

const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) fn build(
    client: &Client,
    site: &Origin,
    grant: &Grant<'_>,
) -> Result<Request<Bytes>, Error> {
    let rules = &client.dialect().token;
    let parameters = parameters(client, grant);
    let mut pairs: Vec<(&str, &str, TokenValue)> = Vec::new();
    for parameter in &parameters {
        if let Some(value) = value(client, grant, parameter.value) {
            pairs.push((&parameter.name, value, parameter.value));
        }
    }
    let url = rules.endpoint.at(site)?;
    let builder = Request::post(url.as_str());
    match rules.placement {
        ParameterPlace::Form => {
            let pairs: Vec<_> = pairs
                .into_iter()
                .map(|(name, value, _)| (name, value))
                .collect();
            form(client, builder, &pairs)
        }
        ParameterPlace::Headers => {
            let mut builder = head(client, builder, None)?;
            for (name, value, what) in pairs {
                let name = HeaderName::try_from(name).map_err(http::Error::from)?;
                builder = builder.header(name, sensitive_header(label(what), value)?);
            }
            Ok(builder.header(CONTENT_LENGTH, 0).body(Bytes::new())?)
        }
    }
}

/// Finishes a request with a form, and with the client's authentication if that is a header.
pub(crate) fn form(
    client: &Client,
    builder: Builder,
    pairs: &[(&str, &str)],
) -> Result<Request<Bytes>, Error> {
    let body = Serializer::new(String::new()).extend_pairs(pairs).finish();
    let builder = head(client, builder, Some(FORM))?.header(CONTENT_LENGTH, body.len());
    Ok(builder.body(Bytes::from(body))?)
}

/// Returns the client's part of a form, for revocation and introspection (RFC 7009 §2.1).
pub(crate) fn client_pairs(client: &Client) -> Vec<(&str, &str)> {
    let registration = client.registration();
    let id = ("client_id", registration.client_id());
    match client.dialect().token.client_authentication {
        ClientAuthentication::Basic => Vec::new(),
        ClientAuthentication::None => vec![id],
        ClientAuthentication::Parameters => {
            let secret = registration.client_secret().map(ClientSecret::expose);
            [Some(id), secret.map(|s| ("client_secret", s))]
                .into_iter()
                .flatten()
                .collect()
        }
    }
}

fn head(
    client: &Client,
    mut builder: Builder,
    form: Option<&'static str>,
) -> Result<Builder, Error> {
    let rules = &client.dialect().token;
    if let Some(content_type) = rules.content_type.as_deref().or(form) {
        builder = builder.header(CONTENT_TYPE, content_type);
    }
    if let Some(accept) = &rules.accept {
        builder = builder.header(ACCEPT, accept);
    }
    if rules.client_authentication == ClientAuthentication::Basic {
        let registration = client.registration();
        let secret = registration
            .client_secret()
            .map_or("", ClientSecret::expose);
        // RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
        let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = Zeroizing::new(format!(
            "{}:{}",
            part(registration.client_id()),
            part(secret)
        ));
        let value = format!("Basic {}", STANDARD.encode(pair.as_bytes()));
        builder = builder.header(AUTHORIZATION, sensitive_header("client secret", &value)?);
    }
    Ok(builder)
}

/// Returns the dialect's list of parameters, otherwise that of the RFC with the client's parameters
/// if they authenticate it. The verifier is last.
fn parameters(client: &Client, grant: &Grant<'_>) -> Vec<TokenParameter> {
    use TokenValue::{
        ClientId, ClientSecret, Code, CodeVerifier, GrantType, RedirectUri, RefreshToken,
    };
    let rules = &client.dialect().token;
    let (own, default, verifier) = match grant {
        Grant::AuthorizationCode { code_verifier, .. } => (
            &rules.code,
            &[GrantType, Code, RedirectUri][..],
            code_verifier.is_some(),
        ),
        Grant::RefreshToken { .. } => (&rules.refresh, &[GrantType, RefreshToken][..], false),
    };
    let mut list = own.clone();
    if list.is_empty() {
        let client_part: &[TokenValue] = match rules.client_authentication {
            ClientAuthentication::Basic => &[],
            ClientAuthentication::None => &[ClientId],
            ClientAuthentication::Parameters => &[ClientId, ClientSecret],
        };
        list.extend(
            default
                .iter()
                .chain(client_part)
                .map(|value| TokenParameter::from(*value)),
        );
    }
    if verifier && !list.iter().any(|parameter| parameter.value == CodeVerifier) {
        list.push(CodeVerifier.into());
    }
    list
}

fn value<'a>(client: &'a Client, grant: &Grant<'a>, value: TokenValue) -> Option<&'a str> {
    let registration = client.registration();
    let (own_redirect_uri, own_scope) = match *grant {
        Grant::AuthorizationCode {
            redirect_uri,
            scope,
            ..
        }
        | Grant::RefreshToken {
            redirect_uri,
            scope,
            ..
        } => (redirect_uri, scope),
    };
    match (value, *grant) {
        (TokenValue::GrantType, Grant::AuthorizationCode { .. }) => Some("authorization_code"),
        (TokenValue::GrantType, Grant::RefreshToken { .. }) => Some("refresh_token"),
        (TokenValue::Code, Grant::AuthorizationCode { code, .. }) => Some(code.expose()),
        (TokenValue::RefreshToken, Grant::RefreshToken { refresh_token, .. }) => {
            Some(refresh_token.expose())
        }
        (TokenValue::CodeVerifier, Grant::AuthorizationCode { code_verifier, .. }) => {
            code_verifier.map(CodeVerifier::expose)
        }
        (TokenValue::Code | TokenValue::RefreshToken | TokenValue::CodeVerifier, _) => None,
        (TokenValue::ClientId, _) => Some(registration.client_id()),
        (TokenValue::ClientSecret, _) => registration.client_secret().map(ClientSecret::expose),
        (TokenValue::RedirectUri, _) => Some(own_redirect_uri),
        (TokenValue::Scope, _) => own_scope.or(client.scope()),
    }
}

fn label(value: TokenValue) -> &'static str {
    match value {
        TokenValue::GrantType => "grant type",
        TokenValue::Code => "code",
        TokenValue::RefreshToken => "refresh token",
        TokenValue::ClientId => "client id",
        TokenValue::ClientSecret => "client secret",
        TokenValue::RedirectUri => "redirect URI",
        TokenValue::Scope => "scope",
        TokenValue::CodeVerifier => "code verifier",
    }
}
