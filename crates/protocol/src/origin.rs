//! Origins: scheme, host and port.

use std::{fmt, net::Ipv4Addr};

use http::{Uri, uri::Authority};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::error::Error;

/// The scheme, lower-case host and port of a server.
///
/// The scheme is https, or http on loopback (127.0.0.0/8, `[::1]`, exactly `localhost`).
///
/// ```
/// use tokenkeeper_protocol::Origin;
///
/// let origin = Origin::parse("https://ID.amiqus.co:443/")?;
/// assert_eq!(origin.as_str(), "https://id.amiqus.co");
/// assert!(origin.matches(&"https://id.amiqus.co/api/v2/me".parse().unwrap()));
/// assert!(!origin.matches(&"https://id.amiqus.co.evil.test/".parse().unwrap()));
/// assert!(Origin::parse("http://id.amiqus.co").is_err());
/// # Ok::<(), tokenkeeper_protocol::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    /// `scheme://host`, and `:port` unless it is the scheme's default.
    text: Box<str>,
    https: bool,
    host_end: u32,
    port: u16,
    kind: Kind,
}

/// What the host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Loopback,
    Address,
    Name,
}

impl Origin {
    /// Parses `scheme://host[:port]`, with or without a trailing slash.
    ///
    /// # Errors
    /// [`Error::Origin`] for another scheme than https (http on loopback), user info, a path, a
    /// query or a fragment.
    pub fn parse(s: &str) -> Result<Self, Error> {
        let refused = |problem| Err(Error::Origin { problem });
        let Ok(url) = Url::parse(s) else {
            return refused("write it as https://host or https://host:port");
        };
        if s.contains(['*', '{', '}']) {
            return refused("leave out wildcards and placeholders: this is one origin");
        }
        // `Url` drops an empty user info and an empty query: an origin has neither.
        if s.contains(['@', '?', '#']) {
            return refused("leave out user info, query and fragment");
        }
        if !matches!(url.path(), "" | "/") {
            return refused("leave out the path: only scheme, host and port");
        }
        Self::of_url(&url).ok_or(Error::Origin {
            problem: "use https; http is for loopback only (127.0.0.0/8, [::1], localhost)",
        })
    }

    /// Returns the origin of a request's URI. `None` without scheme or host, with user info, or for
    /// http beyond loopback.
    #[must_use]
    pub fn of(uri: &Uri) -> Option<Self> {
        let authority = uri.authority()?.as_str();
        if authority.contains('@') {
            return None;
        }
        Self::of_url(&Url::parse(&format!("{}://{authority}", uri.scheme_str()?)).ok()?)
    }

    pub(crate) fn of_url(url: &Url) -> Option<Self> {
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        // `Url` takes these for letters; no host has them.
        if url.host_str()?.contains(['*', '{', '}']) {
            return None;
        }
        let kind = match url.host()? {
            Host::Ipv4(ip) if ip.is_loopback() => Kind::Loopback,
            Host::Ipv6(ip) if ip.is_loopback() => Kind::Loopback,
            Host::Domain("localhost") => Kind::Loopback,
            Host::Ipv4(_) | Host::Ipv6(_) => Kind::Address,
            Host::Domain(_) => Kind::Name,
        };
        let https = match url.scheme() {
            "https" => true,
            "http" if kind == Kind::Loopback => false,
            _ => return None,
        };
        let (scheme, host) = (url.scheme(), url.host_str()?);
        let host_end = u32::try_from(scheme.len() + 3 + host.len()).ok()?;
        let text = match url.port() {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        Some(Self {
            text: text.into_boxed_str(),
            https,
            host_end,
            port: url.port_or_known_default()?,
            kind,
        })
    }

    /// Returns whether `uri` goes to this origin. Does not allocate.
    ///
    /// A URI without scheme or host, or with user info, goes to no origin. Hosts compare without
    /// regard to case; an address in another form than the normal one (`[0::1]`) does not match.
    #[must_use]
    #[inline(always)]
    pub fn matches(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return false;
        };
        // Most requests spell their target as the configuration does.
        self.has_scheme(scheme)
            && (authority.as_str().as_bytes() == self.authority()
                || self.matches_loosely(authority))
    }

    /// The comparison for a target in another spelling.
    #[cold]
    fn matches_loosely(&self, authority: &Authority) -> bool {
        let default_port = if self.https { 443 } else { 80 };
        !authority.as_str().contains('@')
            && authority.port_u16().unwrap_or(default_port) == self.port
            && authority.host().eq_ignore_ascii_case(self.host())
    }

    /// Returns whether `uri` goes to an origin below this one: the same scheme and port, and a host
    /// that ends with a dot and this one's.
    pub(crate) fn is_above(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return false;
        };
        let (host, own) = (authority.host().as_bytes(), self.host().as_bytes());
        let Some(labels) = host.len().checked_sub(own.len() + 1) else {
            return false;
        };
        self.has_scheme(scheme)
            && !authority.as_str().contains('@')
            && authority
                .port_u16()
                .unwrap_or(if self.https { 443 } else { 80 })
                == self.port
            && labels > 0
            && host[0] != b'.'
            && host[labels] == b'.'
            && host[labels + 1..].eq_ignore_ascii_case(own)
    }

    #[inline(always)]
    fn has_scheme(&self, scheme: &str) -> bool {
        matches!((self.https, scheme), (true, "https") | (false, "http"))
    }

    /// Returns `scheme://host`, and `:port` unless it is the scheme's default.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether this is 127.0.0.0/8, `[::1]` or exactly `localhost`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.kind == Kind::Loopback
    }

    /// Returns the host in lower case; an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.text[self.scheme_end()..self.host_end as usize]
    }

    pub(crate) fn has_default_port(&self) -> bool {
        self.text.len() == self.host_end as usize
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the host, and `:port` unless it is the scheme's default.
    #[inline]
    fn authority(&self) -> &[u8] {
        &self.text.as_bytes()[self.scheme_end()..]
    }

    #[inline]
    fn scheme_end(&self) -> usize {
        if self.https { "https://" } else { "http://" }.len()
    }

    /// Returns whether the host is an IP address.
    pub(crate) fn is_address(&self) -> bool {
        self.kind == Kind::Address
            || self.host().parse::<Ipv4Addr>().is_ok()
            || self.host().starts_with('[')
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({})", self.text)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Origin {
    type Error = Error;

    fn try_from(s: String) -> Result<Self, Error> {
        Self::parse(&s)
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.text.into()
    }
}
