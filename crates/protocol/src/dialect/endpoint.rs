//! Where an endpoint is, and with which method it is called.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{error::Error, origin::Origin};

/// A path below the base or site (`/oauth/token`), or a whole https URL. In text it is written as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Endpoint {
    /// Below the base or site; begins with one slash.
    Path(String),
    /// Elsewhere: an override of the base does not move it.
    Url(Url),
}

impl Endpoint {
    pub(crate) fn at(&self, site: &Origin) -> Result<Url, Error> {
        match self {
            Self::Url(url) => Ok(url.clone()),
            Self::Path(path) => Url::parse(&format!("{site}{path}")).map_err(|_| Error::Origin {
                problem: "the endpoint's path does not fit behind the base or site",
            }),
        }
    }
}

impl TryFrom<String> for Endpoint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.contains('#') {
            return Err("an endpoint has no fragment");
        }
        if text.starts_with('/') {
            let plain = !text.starts_with("//") && !text.contains(['\\', ' ']) && text.is_ascii();
            return if plain {
                Ok(Self::Path(text))
            } else {
                Err("a path begins with one slash and holds no blank or backslash")
            };
        }
        let url = Url::parse(&text)
            .map_err(|_| "an endpoint is a path that begins with `/`, or an https URL")?;
        match Origin::of_url(&url) {
            Some(_) => Ok(Self::Url(url)),
            None => Err("an endpoint's URL is https (http on loopback only) and has no user info"),
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
        }
    }
}

/// The method of a revocation or introspection request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// GET.
    Get,
    /// POST, as RFC 7009 and RFC 7662 have it.
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
