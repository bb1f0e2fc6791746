//! The cookies of a browser: any bytes, next to those of a login in progress.
#![no_main]

use std::{collections::BTreeMap, sync::OnceLock};

use axum::{Router, body::Body, response::Response};
use libfuzzer_sys::fuzz_target;
use tokenkeeper_axum::Routes;
use tokenkeeper_engine::protocol::http::{
    HeaderValue, Method, Request, StatusCode,
    header::{COOKIE, ORIGIN, SET_COOKIE},
};
use tokenkeeper_fuzz::accounts;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

const HOST: &str = "__Host-";

/// The bound of all cookies of logins.
const MAX_BYTES: usize = 4096;

fuzz_target!(|given: &[u8]| {
    let lines: Vec<_> = given
        .split(|byte| *byte == b'\n')
        .filter_map(|line| HeaderValue::from_bytes(line).ok())
        .collect();
    // A login starts whatever the browser has, and the cookies of logins stay below their bound.
    let started = send(Method::POST, "/connect/acme", &lines);
    assert_eq!(started.status(), StatusCode::SEE_OTHER);
    let mut kept = ours(&lines);
    for cookie in set_cookies(&started) {
        kept.remove(cookie.name);
        if !cookie.removes {
            kept.insert(cookie.name.to_owned(), cookie.value.len());
        }
    }
    let bytes: usize = kept.iter().map(|(name, value)| name.len() + value).sum();
    assert!(bytes <= MAX_BYTES, "{bytes} bytes");

    // No cookie finishes a login without its state.
    for path in [
        "/cb?code=c&state=st-1",
        "/cb?code=c",
        "/cb?error=x",
        "/cb?failed=denied",
    ] {
        let answer = send(Method::GET, path, &lines);
        let status = answer.status();
        assert!(
            status.is_client_error() || status == StatusCode::SEE_OTHER,
            "{status}"
        );
        if let Some(location) = answer.headers().get("location") {
            assert!(location.as_bytes().starts_with(b"/cb?failed="));
        }
        set_cookies(&answer);
    }
});

/// A cookie that a response sets.
struct SetCookie<'a> {
    name: &'a str,
    value: &'a str,
    removes: bool,
}

/// Reads the cookies of a response, which must be ours.
fn set_cookies(response: &Response) -> Vec<SetCookie<'_>> {
    let all = response.headers().get_all(SET_COOKIE).iter();
    all.map(|cookie| {
        let cookie = std::str::from_utf8(cookie.as_bytes()).expect("a text");
        let (pair, attributes) = cookie.split_once(';').expect("attributes");
        let (name, value) = pair.split_once('=').expect("a value");
        let plain = name.strip_prefix(HOST);
        assert!(plain.unwrap_or(name).starts_with("tokenkeeper"), "{name}");
        assert!(attributes.contains("HttpOnly"));
        assert!(plain.is_none() || attributes.contains("Secure"));
        SetCookie {
            name,
            value,
            removes: attributes.contains("Max-Age=0"),
        }
    })
    .collect()
}

/// Returns the lengths of the values of our cookies that the browser has.
fn ours(lines: &[HeaderValue]) -> BTreeMap<String, usize> {
    let pairs = lines
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let texts = pairs.filter_map(|pair| std::str::from_utf8(pair).ok());
    let pairs = texts.filter_map(|pair| pair.split_once('='));
    let pairs = pairs.map(|(name, value)| (name.trim(), value.trim()));
    let ours = pairs.filter(|(name, _)| {
        name.strip_prefix(HOST)
            .unwrap_or(name)
            .starts_with("tokenkeeper.")
    });
    ours.map(|(name, value)| (name.to_owned(), value.len()))
        .collect()
}

fn send(method: Method, path: &str, cookies: &[HeaderValue]) -> Response {
    static ROUTER: OnceLock<(Router, Runtime)> = OnceLock::new();
    let (router, runtime) = ROUTER.get_or_init(|| {
        let routes = Routes::new(accounts(), |_| Some("user-42".to_owned()));
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        (
            routes.router().expect("a router"),
            runtime.expect("a runtime"),
        )
    });
    let mut request = Request::builder().method(method).uri(path);
    request = request.header(ORIGIN, "https://app.example");
    for line in cookies {
        request = request.header(COOKIE, line);
    }
    let request = request.body(Body::empty()).expect("a request");
    let Ok(response) = runtime.block_on(router.clone().oneshot(request));
    response
}
