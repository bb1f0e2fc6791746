//! Origins that take an account's tokens.

use std::fmt;

use http::Uri;

use crate::{error::Error, origin::Origin, public_suffix};

/// An origin that takes an account's tokens, or all origins below a domain.
///
/// `https://*.example.com` matches every origin with one or more labels in place of the `*`, on the
/// same port; it does not match `https://example.com` itself. Only https can have a wildcard, and
/// only below a domain of one owner: never `https://*.com`.
///
/// ```
/// use tokenkeeper_protocol::ApiOrigin;
///
/// let wildcard = ApiOrigin::parse("https://*.example.com")?;
/// assert!(wildcard.matches(&"https://eu.api.example.com/v1".parse().unwrap()));
/// assert!(!wildcard.matches(&"https://example.com/v1".parse().unwrap()));
/// assert!(!wildcard.matches(&"https://example.com.evil.test/".parse().unwrap()));
/// assert!(ApiOrigin::parse("https://*.com").is_err());
/// # Ok::<(), tokenkeeper_protocol::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ApiOrigin {
    /// The origin, or with `below` the one above all those that match.
    origin: Origin,
    below: bool,
}

impl ApiOrigin {
    /// Parses an origin, whose host may begin with `*.`.
    ///
    /// # Errors
    /// [`Error::Origin`] as [`Origin::parse`], and for a `*` at any other place.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refused = |problem| Err(Error::Origin { problem });
        let Some((before, domain)) = text.split_once('*') else {
            return Ok(Origin::parse(text)?.into());
        };
        let Some(domain) = domain.strip_prefix('.') else {
            return refused("write a wildcard as the first label: https://*.example.com");
        };
        if before != "https://" || domain.contains('*') {
            return refused("write a wildcard as the first label: https://*.example.com");
        }
        let origin = Origin::parse(&format!("https://{domain}"))?;
        if origin.is_address() || !public_suffix::has_one_owner(origin.host()) {
            return refused(
                "write a wildcard below a domain of one owner, not below com or github.io",
            );
        }
        let below = true;
        Ok(Self { origin, below })
    }

    /// Returns whether `uri` goes to this origin, or below it for a wildcard. Does not allocate.
    ///
    /// Compares as [`Origin::matches`] does.
    #[must_use]
    #[inline(always)]
    pub fn matches(&self, uri: &Uri) -> bool {
        if self.below {
            self.origin.is_above(uri)
        } else {
            self.origin.matches(uri)
        }
    }

    /// Returns the origin. `None` for a wildcard.
    #[must_use]
    pub fn exact(&self) -> Option<&Origin> {
        (!self.below).then_some(&self.origin)
    }

    /// Returns the origin above all those that match. `None` unless this is a wildcard.
    #[must_use]
    pub fn wildcard(&self) -> Option<&Origin> {
        self.below.then_some(&self.origin)
    }
}

impl From<Origin> for ApiOrigin {
    fn from(origin: Origin) -> Self {
        let below = false;
        Self { origin, below }
    }
}

/// An exact origin equals its [`Origin`].
impl PartialEq<Origin> for ApiOrigin {
    fn eq(&self, other: &Origin) -> bool {
        self.exact() == Some(other)
    }
}

impl fmt::Debug for ApiOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiOrigin({self})")
    }
}

impl fmt::Display for ApiOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.below {
            return self.origin.fmt(f);
        }
        let domain = self.origin.as_str().trim_start_matches("https://");
        write!(f, "https://*.{domain}")
    }
}
