//! Checks of redirect URIs: those to register and those to send.

use url::Url;

use crate::{dialect::RedirectRule, error::Error, origin::Origin};

/// Parses a redirect URI that an application registers.
pub(crate) fn parse(text: &str) -> Result<Url, Error> {
    let refused = |problem: &str| {
        let problem = problem.to_owned();
        Err(Error::RedirectUri { problem })
    };
    let Ok(url) = Url::parse(text) else {
        return refused("is not an absolute URL: write it as https://host/path");
    };
    if url.fragment().is_some() {
        return refused("has a fragment, which RFC 6749 §3.1.2 forbids: remove `#…`");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused("has user info: remove `user:password@`");
    }
    if !matches!(url.scheme(), "https" | "http") {
        return refused("has an unsupported scheme: use https, or http on loopback");
    }
    if Origin::of_url(&url).is_none() {
        return refused("uses http and is not on loopback: use https");
    }
    if url.as_str() != text {
        let problem = format!("is not in its normal form: register and write it as `{url}`");
        return Err(Error::RedirectUri { problem });
    }
    Ok(url)
}

/// Checks that `given` may be sent if `registered` is the registered redirect URI.
pub(crate) fn check(given: &Url, registered: &Url, rule: RedirectRule) -> Result<(), Error> {
    let refused = |problem: &str| {
        Err(Error::RedirectUri {
            problem: problem.to_owned(),
        })
    };
    if given.fragment().is_some() || !given.username().is_empty() || given.password().is_some() {
        return refused("has a fragment or user info: remove them");
    }
    if Origin::of_url(given).is_none()
        || Origin::of_url(given) != Origin::of_url(registered)
        || given.path() != registered.path()
    {
        return refused("is not the registered one: keep its scheme, host, port and path");
    }
    match rule {
        RedirectRule::Exact if given != registered => {
            refused("is not the registered one: send that unchanged")
        }
        RedirectRule::ExtraQuery if !extends(given, registered) => {
            refused("lacks the registered one's query: append further parameters to it")
        }
        _ => Ok(()),
    }
}

fn extends(given: &Url, registered: &Url) -> bool {
    let Some(own) = registered.query() else {
        return true;
    };
    let given = given.query().unwrap_or_default();
    given
        .strip_prefix(own)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('&') || own.is_empty())
}
