//! The redirect from the authorization page and its authorization response (RFC 6749 §4.1.2).

mod error;
mod pairs;
mod pasted;
mod read;

use std::fmt;

use url::Url;

use crate::secret::{AuthorizationCode, State};

pub use error::{ErrorDescription, RedirectError};
pub(crate) use read::read;

/// The limit for a redirect: 64 KiB. Servers and browsers have lower ones for URLs.
const MAX_REDIRECT: usize = 64 * 1024;

/// A redirect from the authorization page, not decoded yet.
///
/// `Debug` does not show its text, because that holds the code.
///
/// ```
/// use tokenkeeper_protocol::Redirect;
///
/// // What a callback's handler has:
/// let redirect = Redirect::query("code=Yzk5ZDczMzRlNDEwY&state=xyz");
/// assert_eq!(format!("{redirect:?}"), "Query([redacted])");
///
/// // What a person copies from the address bar:
/// let pasted = Redirect::from_url(" <https://app.example/cb?code=Yzk5ZDczMzRl&state=xyz#_=_>")?;
/// assert!(matches!(pasted, Redirect::Url(_)));
/// assert!(Redirect::from_url("?code=Yzk5ZDczMzRlNDEwY").is_err());
/// # Ok::<(), tokenkeeper_protocol::RedirectError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub enum Redirect {
    /// The part after `?`.
    Query(String),
    /// The part after `#`, as a relay page posts it.
    Fragment(String),
    /// The body of a form that the authorization page posts (OAuth 2.0 Form Post Response Mode).
    FormPost(String),
    /// The whole URL. The dialect's response mode selects its query or its fragment, and the rest
    /// must be the redirect URI.
    Url(Url),
}

impl Redirect {
    /// Takes the query, with or without its `?`. A fragment after it is ignored.
    #[must_use]
    pub fn query(query: impl Into<String>) -> Self {
        Self::Query(query.into())
    }

    /// Takes the fragment, with or without its `#`.
    #[must_use]
    pub fn fragment(fragment: impl Into<String>) -> Self {
        Self::Fragment(fragment.into())
    }

    /// Takes the body of the form, `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn form_post(body: impl Into<String>) -> Self {
        Self::FormPost(body.into())
    }

    /// Takes the whole URL to which the browser was redirected, for example one that a person
    /// pasted.
    ///
    /// White space, line breaks, quotes, brackets and punctuation around it are ignored, as is the
    /// rest of a Markdown link. `&amp;` is read as `&`, and other escapes stay as they are. When it
    /// is read, scheme, host, port and path must be those of the redirect URI.
    /// A handler behind a proxy, which may not know its own URL, uses [`query`](Self::query).
    ///
    /// # Errors
    /// [`RedirectError::NotUrl`] and [`RedirectError::TooLarge`].
    pub fn from_url(url: impl AsRef<str>) -> Result<Self, RedirectError> {
        pasted::parse(url.as_ref()).map(Self::Url)
    }
}

impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Query(_) => "Query([redacted])",
            Self::Fragment(_) => "Fragment([redacted])",
            Self::FormPost(_) => "FormPost([redacted])",
            Self::Url(_) => "Url([redacted])",
        })
    }
}

/// The values that a redirect must match.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedRedirect<'a> {
    /// The state of the flow.
    pub state: &'a State,
}

/// The authorization response of a redirect that belongs to the flow.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationResponse {
    /// The code to exchange for tokens.
    pub code: AuthorizationCode,
    /// Whether the redirect returned the flow's state, as a parameter or inside the redirect URI.
    ///
    /// Without it anyone may have made the redirect, with a code for another account: the person
    /// must confirm the login before the code is exchanged (RFC 6749 §10.12).
    pub state_returned: bool,
    /// Every other parameter, decoded, in order. Bytes that are not UTF-8 are `U+FFFD`.
    pub extra: Vec<(String, String)>,
}

impl fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.extra.iter().map(|(name, _)| name).collect();
        f.debug_struct("AuthorizationResponse")
            .field("code", &self.code)
            .field("state_returned", &self.state_returned)
            .field("extra", &names)
            .finish()
    }
}
