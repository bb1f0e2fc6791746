//! The requests that benches send.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Uri};
use http_body_util::Empty;

const HEADERS: [(&str, &str); 12] = [
    ("accept", "application/json"),
    ("user-agent", "tokenkeeper-benches/1"),
    ("accept-encoding", "gzip, br"),
    ("accept-language", "nl, en;q=0.8"),
    ("cache-control", "no-cache"),
    ("content-type", "application/json"),
    ("idempotency-key", "0192f0c1-9b8a-7c31-b1a4-0f6c2f7f8a11"),
    ("if-none-match", "\"33a64df5\""),
    (
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ),
    ("tracestate", "vendor=1"),
    ("x-request-id", "0192f0c1-9b8a-7c31-b1a4-0f6c2f7f8a12"),
    ("x-tenant", "tenant-7"),
];

/// Builds a request with the first `count` of twelve common headers.
///
/// The headers are inserted one by one, as an application does it.
#[must_use]
pub fn request(uri: &Uri, count: usize) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = uri.clone();
    for (name, value) in &HEADERS[..count] {
        let (name, value) = (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        request.headers_mut().insert(name, value);
    }
    request
}

/// Builds the same [request](request()) with an extension.
#[must_use]
pub fn extended(uri: &Uri, count: usize) -> Request<Empty<Bytes>> {
    let mut request = request(uri, count);
    request.extensions_mut().insert("an extension");
    request
}
