//! The exact bytes of Amiqus, and what its answers mean.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod answers;
mod requests;

use tokenkeeper_protocol::{Registration, bytes::Bytes, http::Request};
use tokenkeeper_provider_amiqus::Amiqus;

const CALLBACK: &str = "https://app.example/cb";

fn amiqus() -> Amiqus {
    let registration = Registration::new("my-client", CALLBACK).unwrap();
    Amiqus::new(registration.secret("s3cr3t")).unwrap()
}

mod conforms {
    tokenkeeper_protocol::conformance!(super::amiqus);
}

mod conforms_with_pkce {
    tokenkeeper_protocol::conformance!(|| super::amiqus().pkce().unwrap());
}

/// A request as text: line, headers in order, blank line, body.
fn show(request: &Request<Bytes>) -> String {
    let mut text = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
    }
    text + "\n" + std::str::from_utf8(request.body()).unwrap()
}
