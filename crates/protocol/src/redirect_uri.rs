//! Redirect URIs: those to register, and those to send.

use std::{borrow::Cow, fmt};

use url::{Host, Url};

use crate::{
    dialect::{Pkce, RedirectRule},
    error::Error,
    origin::Origin,
};

/// A redirect URI as it is sent, byte by byte: servers compare it as text (RFC 9700 §2.1).
///
/// [`Client::check_redirect_uri`](crate::Client::check_redirect_uri) checks it. `Debug` shows it
/// without its query, which may hold the state.
///
/// ```
/// use tokenkeeper_protocol::RedirectUri;
///
/// let registered = RedirectUri::new("http://127.0.0.1/callback");
/// let login = registered.with_port(49152)?;
/// assert_eq!(login.as_str(), "http://127.0.0.1:49152/callback");
/// # Ok::<(), tokenkeeper_protocol::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Takes the text unchanged and unchecked.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the same redirect URI with another port, for a login on loopback (RFC 8252 §7.3).
    ///
    /// # Errors
    /// [`Error::RedirectUri`] if the redirect URI has no host, and for port 0.
    pub fn with_port(&self, port: u16) -> Result<Self, Error> {
        let Some(split) = Split::of(&self.0).filter(|_| port != 0) else {
            return refused("takes no such port: pass the one on which the application listens");
        };
        Ok(Self(format!("{}:{port}{}", split.host, split.rest)))
    }

    /// Returns the same redirect URI with a further parameter in its query.
    pub(crate) fn with_parameter(&self, name: &str, value: &str) -> Self {
        let separator = match self.0.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        let pair = query.append_pair(name, value).finish();
        Self(format!("{}{separator}{pair}", self.0))
    }
}

impl fmt::Debug for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedirectUri({})", without_query(&self.0))
    }
}

/// Returns the part of a redirect URI that is shown: its query may hold the state.
pub(crate) fn without_query(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or_default()
}

/// Parses a redirect URI that an application registers.
///
/// The result is for its scheme, host and path only: what is sent is the text.
pub(crate) fn parse(text: &str) -> Result<Url, Error> {
    let Ok(url) = Url::parse(text) else {
        return refused("is not an absolute URL: write it as https://host/path");
    };
    if url.fragment().is_some() {
        return refused("has a fragment, which RFC 6749 §3.1.2 forbids: remove `#…`");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused("has user info: remove `user:password@`");
    }
    match url.scheme() {
        "https" | "http" if Origin::of_url(&url).is_some() => {}
        "https" | "http" => return refused("uses http and is not on loopback: use https"),
        scheme if !scheme.contains('.') => {
            return refused(
                "has an unsupported scheme: use https, http on loopback, or a domain name in \
                 reverse as RFC 8252 §7.1 says (`com.example.app`)",
            );
        }
        _ if url.cannot_be_a_base() => {
            return refused("has no slash after its scheme: write it as `com.example.app:/path`");
        }
        _ => {}
    }
    if url.as_str() != normal_form(text) {
        let problem = format!("is not in its normal form: register and write it as `{url}`");
        return Err(Error::RedirectUri { problem });
    }
    Ok(url)
}

/// Requires PKCE for a private-use scheme, because any application on the device can claim it
/// (RFC 8252 §8.1).
pub(crate) fn check_pkce(registered: &Url, pkce: Pkce) -> Result<(), Error> {
    if is_web(registered) || pkce == Pkce::S256 {
        return Ok(());
    }
    refused("has a private-use scheme, which other applications can claim: switch PKCE on")
}

/// Returns whether a server receives the redirect, and not an application by its scheme.
fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "http")
}

/// Returns whether a login may use another port than the registered one: `url` is on a loopback
/// address (RFC 8252 §7.3), or at `localhost` and the registration allows that.
pub(crate) fn takes_any_port(url: &Url, any_localhost_port: bool) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain("localhost")) => any_localhost_port,
            _ => false,
        }
}

/// Returns whether `url` is where redirects to `registered` arrive.
pub(crate) fn is_target(url: &Url, registered: &Url, any_port: bool) -> bool {
    url.scheme() == registered.scheme()
        && url.host() == registered.host()
        && url.path() == registered.path()
        && (any_port || url.port_or_known_default() == registered.port_or_known_default())
}

/// Checks that `given` may be sent if `registered` is the registered redirect URI.
pub(crate) fn check(
    given: &RedirectUri,
    registered: &str,
    rule: RedirectRule,
    any_port: bool,
) -> Result<(), Error> {
    let (mut given, mut registered) = (Cow::Borrowed(given.as_str()), Cow::Borrowed(registered));
    if any_port {
        given = without_port(&given).into();
        registered = without_port(&registered).into();
    }
    match (rule, given.strip_prefix(&*registered)) {
        (_, Some("")) => Ok(()),
        (RedirectRule::ExtraQuery, Some(rest)) if is_extra_query(&registered, rest) => Ok(()),
        (RedirectRule::ExtraQuery, _) => {
            refused("is not the registered one, to which only query parameters may be appended")
        }
        (RedirectRule::Exact, _) => refused(
            "is not the registered one: send that unchanged. Only on 127.0.0.1 or [::1] may the \
             port differ, and on `localhost` if the registration says so",
        ),
    }
}

/// Returns whether `rest` appends parameters to the query of `registered`, and nothing else.
fn is_extra_query(registered: &str, rest: &str) -> bool {
    let appended = match registered.split_once('?') {
        None => rest.strip_prefix('?'),
        Some((_, "")) => Some(rest),
        Some(_) => rest.strip_prefix('&'),
    };
    let plain = |rest: &str| rest.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    appended.is_some_and(plain)
}

/// A URL as text: `http://host`, the port, and the rest.
struct Split<'a> {
    host: &'a str,
    port: Option<&'a str>,
    rest: &'a str,
}

impl<'a> Split<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let authority = text.find("://")? + 3;
        let end = text[authority..].find(['/', '?', '#']);
        let (start, rest) = text.split_at(end.map_or(text.len(), |end| authority + end));
        let port = start[authority..].rsplit_once(':').map(|(_, port)| port);
        let is_port = |port: &&str| port.bytes().all(|b| b.is_ascii_digit());
        let port = port.filter(|port| is_port(port) && port.parse::<u16>().is_ok());
        let host = &start[..start.len() - port.map_or(0, |port| port.len() + 1)];
        Some(Self { host, port, rest })
    }
}

fn without_port(text: &str) -> String {
    match Split::of(text) {
        Some(split) => format!("{}{}", split.host, split.rest),
        None => text.to_owned(),
    }
}

/// Adds the path `/` and removes the default port, as a URL's normal form has it.
///
/// Both forms of a redirect URI are good, since providers compare it as it was registered.
fn normal_form(text: &str) -> Cow<'_, str> {
    let Some(split) = Split::of(text) else {
        return text.into();
    };
    let port = match split.port {
        Some("443") if split.host.starts_with("https:") => String::new(),
        Some("80") if split.host.starts_with("http:") => String::new(),
        Some(port) => format!(":{port}"),
        None => String::new(),
    };
    let is_web = split.host.starts_with("http");
    let path = if is_web && !split.rest.starts_with('/') {
        "/"
    } else {
        ""
    };
    format!("{}{port}{path}{}", split.host, split.rest).into()
}

fn refused<T>(problem: &str) -> Result<T, Error> {
    Err(Error::RedirectUri {
        problem: problem.to_owned(),
    })
}
