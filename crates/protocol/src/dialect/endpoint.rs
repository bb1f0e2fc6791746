//! Endpoints and their methods.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use super::template::Template;
use crate::{error::Error, origin::Origin, values::Values};

/// A path below the base or site (`/oauth/token`), or an https URL, with placeholders or without.
/// In text it is a string.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Endpoint {
    /// A path below the base or site, which begins with one slash.
    Path(String),
    /// A URL, which an override of the base does not move.
    Url(Url),
    /// A path or a URL with placeholders.
    Template(Template),
}

impl Endpoint {
    /// Returns the endpoint's URL for an account at `site`.
    pub(crate) fn at(&self, site: &Origin, values: &Values<'_>) -> Result<Url, Error> {
        let below = |path: &str| {
            Url::parse(&format!("{site}{path}")).map_err(|_| Error::Origin {
                problem: "the endpoint's path cannot follow the base or site: correct the dialect",
            })
        };
        match self {
            Self::Url(url) => Ok(url.clone()),
            Self::Path(path) => below(path),
            Self::Template(template) => {
                let text = values.url(template)?;
                if text.starts_with('/') {
                    return below(&text);
                }
                let url = Url::parse(&text).ok();
                url.filter(|url| Origin::of_url(url).is_some())
                    .ok_or(Error::Origin {
                        problem: "the endpoint is no URL with these values: correct the values",
                    })
            }
        }
    }
}

impl Endpoint {
    /// Returns the origin of a URL, unless a value can change it.
    pub(crate) fn fixed_origin(&self) -> Option<Origin> {
        match self {
            Self::Path(_) => None,
            Self::Url(url) => Origin::of_url(url),
            Self::Template(template) => {
                let text = template.as_str().strip_prefix("https://")?;
                let end = text.find(['/', '?']).unwrap_or(text.len());
                // A placeholder's brace is in no host.
                Origin::parse(&format!("https://{}", &text[..end])).ok()
            }
        }
    }
}

impl TryFrom<String> for Endpoint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.contains('#') {
            return Err("an endpoint must not have a fragment");
        }
        let is_path = text.starts_with('/');
        if is_path && (text.starts_with("//") || text.contains(['\\', ' ']) || !text.is_ascii()) {
            return Err("a path must begin with one slash and hold no space or backslash");
        }
        if text.contains(['{', '}']) {
            if !is_path && !text.starts_with("https://") {
                return Err("an endpoint with placeholders must be a path or begin with https://");
            }
            if text.contains(['@', '\\', ' ']) || !text.is_ascii() {
                return Err("an endpoint must have no user info, space or backslash");
            }
            return text.try_into().map(Self::Template);
        }
        if is_path {
            return Ok(Self::Path(text));
        }
        let url = Url::parse(&text)
            .map_err(|_| "an endpoint must be a path that begins with `/`, or an https URL")?;
        match Origin::of_url(&url) {
            Some(_) => Ok(Self::Url(url)),
            None => {
                Err("an endpoint's URL must be https (http on loopback only) and have no user info")
            }
        }
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.to_string()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path),
            Self::Url(url) => f.write_str(url.as_str()),
            Self::Template(template) => template.fmt(f),
        }
    }
}

/// The method of a revocation or introspection request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// GET.
    Get,
    /// POST, as RFC 7009 and RFC 7662 say.
    #[default]
    Post,
}

impl Method {
    pub(crate) fn http(self) -> http::Method {
        match self {
            Self::Get => http::Method::GET,
            Self::Post => http::Method::POST,
        }
    }
}
