//! The access token: one string, shared by its clones and by the headers that carry it.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::HeaderValue;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{error::Error, header};

/// An access token (RFC 6749 §1.4), which is opaque to the client.
///
/// Clones share the string, and so do the headers that carry it. It is wiped when the last of them
/// is dropped. `Debug` prints `[redacted]`; `==` runs in constant time for tokens of equal length.
#[derive(Clone)]
pub struct AccessToken(Arc<Text>);

/// `Bearer ` and the token, so that a header value is the whole string or a slice of it.
struct Text(Zeroizing<Box<str>>);

const BEARER: &str = "Bearer ";

impl AccessToken {
    /// Takes the token. What remains of the argument is wiped.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        let secret = Zeroizing::new(secret.into());
        // The full capacity from the start: growing would leave an unwiped copy behind.
        let mut text = String::with_capacity(BEARER.len() + secret.len());
        text.push_str(BEARER);
        text.push_str(&secret);
        Self(Arc::new(Text(Zeroizing::new(text.into_boxed_str()))))
    }

    /// Returns the token, which does not belong in logs, errors or URLs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0.0[BEARER.len()..]
    }

    /// Returns `Bearer` and the token (RFC 6750 §2.1) as a header value.
    pub(crate) fn bearer_header(&self) -> Result<HeaderValue, Error> {
        self.header(0)
    }

    /// Returns the token alone as a header value.
    pub(crate) fn bare_header(&self) -> Result<HeaderValue, Error> {
        self.header(BEARER.len())
    }

    /// Returns another scheme than `Bearer` and the token as a header value.
    pub(crate) fn scheme_header(&self, scheme: &str) -> Result<HeaderValue, Error> {
        header::check("access token", self.expose())?;
        let token = self.expose().as_bytes();
        let mut text = Zeroizing::new(Vec::with_capacity(scheme.len() + 1 + token.len()));
        text.extend(scheme.as_bytes());
        text.push(b' ');
        text.extend(token);
        let text = Bytes::from_owner(text);
        header::sensitive(HeaderValue::from_maybe_shared(text))
    }

    fn header(&self, from: usize) -> Result<HeaderValue, Error> {
        header::check("access token", self.expose())?;
        let text = Bytes::from_owner(Shared(self.0.clone())).slice(from..);
        header::sensitive(HeaderValue::from_maybe_shared(text))
    }
}

/// One owner of the shared string, in the form that [`Bytes`] takes.
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
        // The header keeps the string alive.
        drop(token);
        assert_eq!(bare, "at-1");
    }
}
