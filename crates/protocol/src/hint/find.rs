//! The hint that a response suggests.

use bytes::Bytes;
use form_urlencoded::byte_serialize;
use http::{Response, StatusCode};
use serde_json::{Map, Value, value::RawValue};

use super::{Hint, code};
use crate::{
    body,
    client::Client,
    dialect::{ClientAuthentication, Json, ParameterPlace},
    grant::GrantType,
    json::Object,
    refusal::{Class, Refusal},
    secret::ClientSecret,
};

impl Hint {
    /// Finds the hint for a refusal that no rule of the dialect matches.
    pub(crate) fn find(
        client: &Client,
        grant_type: GrantType,
        response: &Response<Bytes>,
        object: Option<&Object>,
        refusal: &Refusal,
    ) -> Option<Self> {
        if object.is_none() && body::is_encoded(response.headers()) {
            return Some(Self::ContentEncoding);
        }
        let status = response.status();
        let read = refusal.code.as_ref().map(|code| code.as_str());
        let code_elsewhere = || code::elsewhere(object?, read == Some(None));
        match (refusal.class, read) {
            (Class::Ambiguous, _) if status.is_success() => match object {
                Some(object) => tokens_elsewhere(client, object)
                    .or_else(code_elsewhere)
                    .or_else(|| (read == Some(None)).then_some(Self::UnlistedCode)),
                None => unreadable(client, grant_type, response),
            },
            (Class::Configuration, Some(Some("invalid_client"))) => {
                authentication(client, grant_type)
            }
            (Class::Configuration, Some(Some("unauthorized_client")))
                if grant_type == GrantType::RefreshToken =>
            {
                Some(Self::ClientOrToken)
            }
            (Class::Unexplained, _) => match (status, read) {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, _) => Some(placement(client)),
                (_, Some(Some("invalid_request"))) => object
                    .is_some_and(|object| blames_the_body(client, object))
                    .then(|| placement(client)),
                (_, Some(Some(_))) => None,
                (_, Some(None)) => code_elsewhere().or(Some(Self::UnlistedCode)),
                (_, None) => code_elsewhere().or_else(|| without_code(client, grant_type, status)),
            },
            _ => None,
        }
    }
}

/// Returns the hint for a refusal without an error code.
fn without_code(client: &Client, grant_type: GrantType, status: StatusCode) -> Option<Hint> {
    Some(match status {
        StatusCode::UNAUTHORIZED => match authentication(client, grant_type) {
            Some(Hint::ClientAuthentication { field, value }) => {
                Hint::ClientOrGrant { field, value }
            }
            _ => Hint::NoCode,
        },
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Hint::TokenEndpoint,
        status if status.is_redirection() => Hint::TokenEndpoint,
        _ => Hint::NoCode,
    })
}

/// The nested objects in which providers wrap their tokens.
const COMMON_PATHS: &[&str] = &[
    "0",
    "authed_user",
    "body",
    "content",
    "credentials",
    "data",
    "message",
    "oauth",
    "payload",
    "response",
    "result",
    "results",
    "token",
    "tokens",
];

/// The names that providers give to an access token.
const COMMON_NAMES: &[&str] = &[
    "accessToken",
    "AccessToken",
    "access-token",
    "auth_token",
    "authToken",
    "oauth_token",
    "token",
];

fn tokens_elsewhere(client: &Client, object: &Object) -> Option<Hint> {
    let map = object.to_map();
    let field = client.dialect().response.access_token_field.as_str();
    if let Some(path) = nested(&map, field, 3) {
        return Some(Hint::TokensAt { path });
    }
    let mut names = COMMON_NAMES.iter();
    let name = names.find(|name| is_token(map.get(**name)))?;
    Some(Hint::AccessTokenField { name })
}

fn is_token(value: Option<&Value>) -> bool {
    value
        .and_then(Value::as_str)
        .is_some_and(|text| !text.is_empty())
}

/// Returns the path of a nested object with this token; `Some(None)` if it is no common one, whose
/// name may be anything.
fn nested(map: &Map<String, Value>, field: &str, depth: usize) -> Option<Option<&'static str>> {
    map.iter().find_map(|(name, value)| {
        let below = value.as_object()?;
        if is_token(below.get(field)) {
            return Some(COMMON_PATHS.iter().find(|path| *path == name).copied());
        }
        nested(below, field, depth.checked_sub(1)?).map(|_| None)
    })
}

fn unreadable(client: &Client, grant_type: GrantType, response: &Response<Bytes>) -> Option<Hint> {
    let rules = &client.dialect().response;
    let path = match rules.tokens_at(grant_type) {
        "" => rules.access_token_field.clone(),
        at => format!("{at}.{}", rules.access_token_field),
    };
    let has_token = |object: Object| object.at(&path).string().is_some();
    if objects_within(response.body()).any(has_token) {
        return Some(Hint::TextAround);
    }
    if rules.json == Json::Strict && Object::read(response.body(), Json::Loose).is_some() {
        return Some(Hint::LooseJson);
    }
    let html = response.body().trim_ascii_start().starts_with(b"<");
    html.then_some(Hint::TokenEndpoint)
}

/// Returns the JSON objects that are somewhere in a text.
fn objects_within(body: &[u8]) -> impl Iterator<Item = Object> {
    const MOST: usize = 16;
    let starts = body.iter().enumerate().filter(|(_, byte)| **byte == b'{');
    starts.take(MOST).filter_map(|(at, _)| {
        let text = String::from_utf8_lossy(&body[at..]);
        let mut values = serde_json::Deserializer::from_str(&text).into_iter::<&RawValue>();
        let first = values.next()?.ok()?;
        Object::read(first.get().as_bytes(), Json::Strict)
    })
}

/// Returns another client authentication that servers with this refusal expect.
fn authentication(client: &Client, grant_type: GrantType) -> Option<Hint> {
    let registration = client.registration();
    let secret = registration.client_secret().map(ClientSecret::expose)?;
    let changes = |text: &str| byte_serialize(text.as_bytes()).ne([text]);
    let rules = &client.dialect().token;
    let (field, used) = match grant_type {
        GrantType::AuthorizationCode | GrantType::DeviceCode => {
            ("token.client_authentication", rules.client_authentication)
        }
        // The code exchange has succeeded, so it alone may expect what was sent.
        GrantType::RefreshToken => (
            "token.refresh_client_authentication",
            rules.refresh_authentication(),
        ),
    };
    let value = match used {
        ClientAuthentication::Basic if changes(secret) || changes(registration.client_id()) => {
            "basic_unencoded"
        }
        ClientAuthentication::Parameters => "basic",
        ClientAuthentication::Basic
        | ClientAuthentication::BasicUnencoded
        | ClientAuthentication::BasicSecretOnly
        | ClientAuthentication::None => "parameters",
    };
    Some(Hint::ClientAuthentication { field, value })
}

fn placement(client: &Client) -> Hint {
    let value = match client.dialect().token.placement {
        ParameterPlace::Form | ParameterPlace::Query => "json",
        ParameterPlace::Json | ParameterPlace::Headers => "form",
    };
    Hint::Placement { value }
}

/// Returns whether a text of the error names the type of the request's body.
fn blames_the_body(client: &Client, object: &Object) -> bool {
    let paths = client.dialect().errors.text.iter();
    let mut texts = paths.filter_map(|path| Some(object.at(path).string()?.to_lowercase()));
    texts.any(|text| {
        ["content-type", "content type", "media type", "json"]
            .iter()
            .any(|blamed| text.contains(blamed))
    })
}
