//! Requests and readings that the tests share.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::Value;
use tokenkeeper_emulator::{Emulator, RegisteredClient};

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
    emulator
        .call(request.body(Bytes::new()).unwrap())
        .await
        .unwrap()
}

pub(crate) async fn bearer(emulator: &Emulator, path: &str, token: &str) -> Response<Bytes> {
    get_with(
        emulator,
        path,
        &[("authorization", &format!("Bearer {token}"))],
    )
    .await
}

pub(crate) fn form_request(path: &str, pairs: &[(&str, &str)]) -> Request<Bytes> {
    Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form_of(pairs)))
        .unwrap()
}

pub(crate) async fn form(
    emulator: &Emulator,
    path: &str,
    pairs: &[(&str, &str)],
) -> Response<Bytes> {
    emulator.call(form_request(path, pairs)).await.unwrap()
}

pub(crate) fn json(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
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
