//! The body of a request to a provider.

use std::{fmt, ops::Deref};

use bytes::Bytes;
use zeroize::Zeroizing;

/// The body of a request to a provider's endpoints, which may hold a code, a token or the client's
/// secret.
///
/// Clones share the bytes, which are wiped when the last of them is dropped. `Debug` shows none.
///
/// ```
/// use tokenkeeper_protocol::{RequestBody, bytes::Bytes, http::Request};
///
/// let body = RequestBody::new("grant_type=refresh_token&refresh_token=rt-1");
/// assert_eq!(format!("{body:?}"), "RequestBody([redacted])");
/// assert!(body.ends_with(b"rt-1"));
///
/// // HTTP clients take `Bytes`, which share the memory. Their `Debug` shows all.
/// let request: Request<RequestBody> = Request::new(body);
/// let request: Request<Bytes> = request.map(Bytes::from);
///
/// // The other way, for a `Provider` that builds its own requests:
/// let request: Request<RequestBody> = request.map(RequestBody::new);
/// assert_eq!(request.body().len(), 43);
/// ```
#[derive(Clone, Default)]
pub struct RequestBody(Bytes);

impl RequestBody {
    /// Takes the bytes. A `String` or `Vec` is moved, not copied, so no other copy stays behind.
    #[must_use]
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Self(Bytes::from_owner(Zeroizing::new(body.into())))
    }
}

impl Deref for RequestBody {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for RequestBody {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<RequestBody> for Bytes {
    fn from(body: RequestBody) -> Self {
        body.0
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestBody([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_and_clients_share_the_bytes() {
        let text = "refresh_token=rt-1".to_owned();
        let address = text.as_ptr();
        let body = RequestBody::new(text);
        let clone = body.clone();
        assert_eq!(body.as_ptr(), address);
        assert_eq!(clone.as_ptr(), address);
        assert_eq!(Bytes::from(body).as_ptr(), address);
    }
}
