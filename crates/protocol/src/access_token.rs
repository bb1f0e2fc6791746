//! The access token: one text, shared by all who hold it and by the headers that carry it.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::HeaderValue;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{error::Error, header};

/// What is sent with a request to the provider's API (RFC 6749 §1.4). Opaque to a client.
///
/// A clone shares the text, and so does the header that carries it. Wiped when the last of them is dropped; `Debug` prints
/// `[redacted]`; `==` takes the same time wherever the first difference is.
#[derive(Clone)]
pub struct AccessToken(Arc<Text>);

/// The token after `Bearer `, so that a header's value is the whole text or a part of it.
struct Text(Zeroizing<Box<str>>);

const BEARER: &str = "Bearer ";

impl AccessToken {
    /// Takes the secret; what is left of the argument is wiped.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        let secret = Zeroizing::new(secret.into());
        // As long as it gets, so that no part of it is left behind where it was before it grew.
        let mut text = String::with_capacity(BEARER.len() + secret.len());
        text.push_str(BEARER);
        text.push_str(&secret);
        Self(Arc::new(Text(Zeroizing::new(text.into_boxed_str()))))
    }

    /// The secret itself: not for logs, errors or URLs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0.0[BEARER.len()..]
    }

    /// `Bearer` and the token (RFC 6750 §2.1), as a header's value.
    pub(crate) fn bearer_header(&self) -> Result<HeaderValue, Error> {
        self.header(0)
    }

    /// The token alone, as a header's value.
    pub(crate) fn bare_header(&self) -> Result<HeaderValue, Error> {
        self.header(BEARER.len())
    }

    fn header(&self, from: usize) -> Result<HeaderValue, Error> {
        header::check("access token", self.expose())?;
        let text = Bytes::from_owner(Shared(self.0.clone())).slice(from..);
        header::sensitive(HeaderValue::from_maybe_shared(text))
    }
}

/// A holder among others, as [`Bytes`] takes it.
struct Shared(Arc<Text>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.0.as_bytes()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl PartialEq for AccessToken {
    fn eq(&self, other: &Self) -> bool {
        self.expose()
            .as_bytes()
            .ct_eq(other.expose().as_bytes())
            .into()
    }
}

impl Eq for AccessToken {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_share_the_text() {
        let token = AccessToken::new("at-1");
        let (bearer, bare) = (token.bearer_header().unwrap(), token.bare_header().unwrap());
        assert_eq!(bearer, "Bearer at-1");
        assert_eq!(bare, "at-1");
        assert!(bearer.is_sensitive() && bare.is_sensitive());
        let address = token.expose().as_ptr();
        assert_eq!(bare.as_bytes().as_ptr(), address);
        assert_eq!(bearer.as_bytes()[BEARER.len()..].as_ptr(), address);
        // What carries it keeps it.
        drop(token);
        assert_eq!(bare, "at-1");
    }
}
