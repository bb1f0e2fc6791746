//! Fixtures of these tests.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokenkeeper_protocol::{
    AccessToken, Attachment, AuthorizationCode, Client, Dialect, Grant, RedirectUri, RefreshToken,
    Registration, RequestBody, State,
    bytes::Bytes,
    http::{Request, Response},
};

pub const CALLBACK: &str = "https://app.example/cb";

pub fn registration() -> Registration {
    Registration::new("client 1", CALLBACK).secret("s3cr3t+/~")
}

pub fn dialect() -> Dialect {
    Dialect::rfc6749("example", "https://login.example").unwrap()
}

pub fn client() -> Client {
    dialect().with(registration()).unwrap()
}

pub fn with(change: impl FnOnce(&mut Dialect)) -> Client {
    client().adjust(change).unwrap()
}

pub fn sent_at() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

pub fn state() -> State {
    State::new("st-1")
}

pub fn callback() -> RedirectUri {
    RedirectUri::new(CALLBACK)
}

pub fn code() -> AuthorizationCode {
    AuthorizationCode::new("c/1+2")
}

pub fn refresh_token() -> RefreshToken {
    RefreshToken::new("rt&1")
}

pub fn access_token() -> AccessToken {
    AccessToken::new("at.1")
}

pub fn code_grant(code: &AuthorizationCode) -> Grant<'_> {
    Grant::AuthorizationCode {
        code,
        redirect_uri: CALLBACK,
        scope: None,
        code_verifier: None,
    }
}

pub fn refresh_grant(refresh_token: &RefreshToken) -> Grant<'_> {
    Grant::RefreshToken {
        refresh_token,
        redirect_uri: CALLBACK,
        scope: None,
    }
}

pub fn response(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

/// Writes a request as text: line, headers in order, empty line, body.
pub fn show(request: &Request<RequestBody>) -> String {
    let mut text = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
    }
    text + "\n" + std::str::from_utf8(request.body()).unwrap()
}

pub fn show_attachment(attachment: &Attachment) -> String {
    match attachment {
        Attachment::Header { name, value } => format!("{name}: {}", value.to_str().unwrap()),
        Attachment::Query { name, value } => format!("?{name}={}", value.expose()),
        Attachment::WithHeaders { token, headers } => {
            let mut text = show_attachment(token);
            for (name, value) in headers.iter() {
                text += &format!("\n{name}: {}", value.to_str().unwrap());
            }
            text
        }
    }
}
