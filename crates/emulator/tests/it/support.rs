//! Requests and readings that the tests share.

use std::ops::Deref;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::Value;
use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_USER, Emulator, Endpoint, Fault,
    IssuedTokens, RegisteredClient,
};

pub(crate) const CALLBACK: &str = "https://app.example/cb";

/// A client with a secret that needs encoding.
pub(crate) fn client() -> RegisteredClient {
    RegisteredClient::new("app")
        .secret("s3&cret")
        .redirect_uri(CALLBACK)
}

/// A clock that moves only by `Emulator::advance`.
pub(crate) fn frozen() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// Names and values of a request, in order.
pub(crate) type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// Builds a request to a path of these names and values.
type BuildRequest = fn(&str, &[(&str, &str)]) -> Request<Bytes>;

/// The endpoints of a provider and the requests of the client `app`.
#[derive(Clone, Copy)]
pub(crate) struct Requests {
    pub(crate) authorize: &'static str,
    pub(crate) token: &'static str,
    pub(crate) api: &'static str,
    /// The parameters of an authorization request.
    pub(crate) authorization: &'static [(&'static str, &'static str)],
    /// The parameters of the exchange of a code.
    pub(crate) exchange: for<'a> fn(&'a str) -> Pairs<'a>,
    /// The parameters of a refresh.
    pub(crate) refresh: for<'a> fn(&'a str) -> Pairs<'a>,
    /// Builds a request of the token endpoint.
    pub(crate) token_request: BuildRequest,
    /// Builds the header that carries an access token.
    pub(crate) credential: fn(&str) -> (&'static str, String),
    /// Reads a value of a redirect.
    pub(crate) read: fn(&str, &str) -> Option<String>,
}

/// An emulator and the requests that it accepts.
pub(crate) struct Vendor {
    pub(crate) emulator: Emulator,
    pub(crate) requests: Requests,
}

impl Deref for Vendor {
    type Target = Emulator;

    fn deref(&self) -> &Emulator {
        &self.emulator
    }
}

impl Vendor {
    pub(crate) fn issue(&self) -> IssuedTokens {
        self.issue_tokens(DEFAULT_USER).unwrap()
    }

    pub(crate) fn once(&self, endpoint: Endpoint, fault: Fault) {
        self.faults().once(endpoint, fault);
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.call(request).await.unwrap()
    }

    /// Requests authorization, with these parameters changed or added.
    pub(crate) async fn authorize(&self, changes: &[(&str, &str)]) -> Response<Bytes> {
        let pairs = with(self.requests.authorization.to_vec(), changes);
        get(self, self.requests.authorize, &pairs).await
    }

    /// Requests authorization, and returns where it redirects.
    pub(crate) async fn redirect(&self, changes: &[(&str, &str)]) -> String {
        location(&self.authorize(changes).await)
    }

    /// Requests authorization, approves it, and returns the code.
    pub(crate) async fn code(&self) -> String {
        let redirect = self.redirect(&[("approve", "1")]).await;
        (self.requests.read)(&redirect, "code").unwrap()
    }

    pub(crate) async fn token(&self, pairs: &[(&str, &str)]) -> Response<Bytes> {
        let request = (self.requests.token_request)(self.requests.token, pairs);
        self.send(request).await
    }

    pub(crate) async fn exchange(&self, code: &str) -> Response<Bytes> {
        self.exchange_with(code, &[]).await
    }

    pub(crate) async fn exchange_with(&self, code: &str, more: &[(&str, &str)]) -> Response<Bytes> {
        self.token(&with((self.requests.exchange)(code), more))
            .await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Response<Bytes> {
        self.refresh_with(token, &[]).await
    }

    pub(crate) async fn refresh_with(&self, token: &str, more: &[(&str, &str)]) -> Response<Bytes> {
        self.token(&with((self.requests.refresh)(token), more))
            .await
    }

    /// Calls the API's first resource.
    pub(crate) async fn call_api(&self, token: &str) -> Response<Bytes> {
        let (name, value) = (self.requests.credential)(token);
        get_with(self, self.requests.api, &[(name, &value)]).await
    }

    /// Returns the status of [`call_api`](Self::call_api).
    pub(crate) async fn api(&self, token: &str) -> u16 {
        self.call_api(token).await.status().as_u16()
    }
}

/// Replaces the values of existing names, and appends the others.
pub(crate) fn with<'a>(mut pairs: Pairs<'a>, changes: &[(&'a str, &'a str)]) -> Pairs<'a> {
    for (name, value) in changes {
        match pairs.iter_mut().find(|(existing, _)| existing == name) {
            Some(pair) => pair.1 = value,
            None => pairs.push((name, value)),
        }
    }
    pairs
}

pub(crate) fn form_of(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

pub(crate) async fn get(
    emulator: &Emulator,
    path: &str,
    query: &[(&str, &str)],
) -> Response<Bytes> {
    get_with(emulator, &format!("{path}?{}", form_of(query)), &[]).await
}

pub(crate) async fn get_with(
    emulator: &Emulator,
    path: &str,
    headers: &[(&str, &str)],
) -> Response<Bytes> {
    let request = headers
        .iter()
        .fold(Request::get(path), |request, (name, value)| {
            request.header(*name, *value)
        });
    let request = request.body(Bytes::new()).unwrap();
    emulator.call(request).await.unwrap()
}

/// The header `Authorization: Bearer`.
pub(crate) fn bearer_header(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

/// Returns the status of a request with a bearer token.
pub(crate) async fn bearer(emulator: &Emulator, path: &str, token: &str) -> u16 {
    let (name, value) = bearer_header(token);
    let response = get_with(emulator, path, &[(name, &value)]).await;
    response.status().as_u16()
}

pub(crate) fn form_request(path: &str, pairs: &[(&str, &str)]) -> Request<Bytes> {
    Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form_of(pairs)))
        .unwrap()
}

/// Sets a header of a request.
pub(crate) fn set(request: &mut Request<Bytes>, name: &'static str, value: &str) {
    let headers = request.headers_mut();
    headers.insert(name, value.parse().unwrap());
}

pub(crate) async fn form(
    emulator: &Emulator,
    path: &str,
    pairs: &[(&str, &str)],
) -> Response<Bytes> {
    emulator.call(form_request(path, pairs)).await.unwrap()
}

/// The form of an exchange by the client `app`.
pub(crate) fn exchange_form(code: &str) -> Pairs<'_> {
    vec![
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("client_secret", "s3&cret"),
        ("code", code),
        ("redirect_uri", CALLBACK),
    ]
}

/// The form of a refresh by the default client.
pub(crate) fn default_refresh(token: &str) -> Pairs<'_> {
    vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", DEFAULT_CLIENT_ID),
        ("client_secret", DEFAULT_CLIENT_SECRET),
    ]
}

pub(crate) fn json(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

/// The field `error` of a JSON body.
pub(crate) fn error(response: &Response<Bytes>) -> String {
    text(&json(response), "error")
}

pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
}

pub(crate) fn body(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

pub(crate) fn location(response: &Response<Bytes>) -> String {
    assert_eq!(response.status(), StatusCode::FOUND, "{response:?}");
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// A parameter of a URL's query.
pub(crate) fn query(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let value = values.next()?.1.into_owned();
    assert!(values.next().is_none(), "{name} is repeated in {url}");
    Some(value)
}
