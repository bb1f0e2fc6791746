//! gRPC over HTTP, as far as it concerns tokens.

use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};

const CONTENT: &[u8] = b"application/grpc";
const UNAUTHENTICATED: &str = "16";

/// Returns whether these are the headers of a gRPC call or of its response: `application/grpc`,
/// also with a format as in `application/grpc+proto`, or `application/grpc-web`.
///
/// For the fronts of this workspace: a response to such a call rejects the token with any HTTP
/// status.
#[doc(hidden)]
#[must_use]
pub fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let start = content_type.and_then(|value| value.get(..CONTENT.len()));
    start.is_some_and(|start| start.eq_ignore_ascii_case(CONTENT))
}

/// Returns the HTTP status that a response means.
///
/// A gRPC server sends its status in the head of a 200 if a call fails before its first message:
/// the form `Trailers-Only` of gRPC over HTTP/2. `UNAUTHENTICATED` there is mapped to a 401, and
/// the dialect decides what that means. A rate limit says nothing about the token.
pub(crate) fn status_of(status: StatusCode, headers: &HeaderMap) -> StatusCode {
    let refusal = headers
        .get("grpc-status")
        .is_some_and(|status| status == UNAUTHENTICATED);
    if refusal && status != StatusCode::TOO_MANY_REQUESTS && is_grpc(headers) {
        StatusCode::UNAUTHORIZED
    } else {
        status
    }
}
