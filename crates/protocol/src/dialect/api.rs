//! The API: the origins that take the tokens, and what requests to it carry.

use std::{collections::BTreeMap, fmt};

use http::{HeaderName, Uri, header::AUTHORIZATION};
use serde::{Deserialize, Serialize};

use super::{
    Dialect,
    check::{self, added_header, header_name, value_header, wrong},
    template::Template,
};
use crate::{api_origin::ApiOrigin, error::Error, header, origin::Origin, public_suffix};

/// An origin that takes the tokens. In text it is a string.
///
/// `https://api.example.com` is one origin, `https://*.example.com` every origin below a domain,
/// and `https://{account}.example.com` the one of the account's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ApiOriginRule {
    /// The same for every account.
    Fixed(ApiOrigin),
    /// An origin with placeholders, which may begin with `*.` too.
    Template(Template),
}

impl From<Origin> for ApiOriginRule {
    fn from(origin: Origin) -> Self {
        Self::Fixed(origin.into())
    }
}

impl TryFrom<String> for ApiOriginRule {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        if !text.contains(['{', '}']) {
            return ApiOrigin::parse(&text).map(Self::Fixed);
        }
        let template = Template::try_from(text).map_err(|problem| Error::Origin { problem })?;
        check_origin(&template)?;
        Ok(Self::Template(template))
    }
}

impl From<ApiOriginRule> for String {
    fn from(rule: ApiOriginRule) -> Self {
        rule.to_string()
    }
}

impl fmt::Display for ApiOriginRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(origin) => origin.fmt(f),
            Self::Template(template) => template.fmt(f),
        }
    }
}

/// Checks that a template makes an https origin, whatever its values are.
fn check_origin(template: &Template) -> Result<(), Error> {
    let problem = match template.as_str().strip_prefix("https://") {
        None => "an origin with placeholders must begin with https://",
        Some(rest) if rest.contains(['/', '?', '#', '@', '\\', ' ']) => {
            "leave out user info, path, query and fragment"
        }
        Some(_) => return Ok(()),
    };
    Err(Error::Origin { problem })
}

/// An origin that is known only from a login: the token response or the redirect names it.
///
/// The value is a URL or a host; with `template`, a host or one label that fills it. Only https
/// and public names are taken, on port 443 unless the template has another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct LoginOriginRule {
    /// The path of a member of the login's token response: names separated by dots.
    pub field: Option<String>,
    /// The name of a parameter of the redirect, instead of `field`.
    pub parameter: Option<String>,
    /// The domains that the host must be one of, or below. Required without `template`.
    pub below: Vec<String>,
    /// The origin that the value makes, in place of `{value}`.
    pub template: Option<Template>,
}

impl LoginOriginRule {
    /// Returns whether some login could name the origin of this target.
    #[must_use]
    pub fn covers(&self, target: &Uri) -> bool {
        let Some(origin) = Origin::of(target).filter(|origin| origin.as_str().starts_with("https"))
        else {
            return false;
        };
        let host = origin.host();
        let template = self.template.as_ref().map(Template::as_str);
        let fixed = template.and_then(|template| template.rsplit_once('}'));
        let (domain, port) = match fixed {
            Some((_, tail)) => tail.split_once(':').unwrap_or((tail, "443")),
            None => ("", "443"),
        };
        host.len() > domain.len()
            && host.ends_with(domain)
            && port.parse() == Ok(origin.port())
            && (self.below.is_empty() || crate::api_origins::is_below(host, &self.below))
    }

    pub(super) fn check(&self, at: usize, dialect: &Dialect) -> Result<(), Error> {
        let field = |name: &str| format!("api_origins_from[{at}]{name}");
        let named = [&self.field, &self.parameter].map(|n| n.as_ref().map(String::is_empty));
        if !matches!(named, [Some(false), None] | [None, Some(false)]) {
            return wrong(
                field(""),
                "must name a `field` or a `parameter`, and not both",
            );
        }
        if let Some(path) = &self.field {
            check::path(&field(".field"), path)?;
            if dialect.response.holds_token(path) {
                return wrong(
                    field(".field"),
                    "names a token: name the member with the URL",
                );
            }
        }
        if let Some(parameter) = &self.parameter
            && dialect.authorization.is_of_response(parameter)
        {
            return wrong(
                field(".parameter"),
                "names a parameter with another meaning: name the one with the URL",
            );
        }
        if self.below.is_empty() && self.template.is_none() {
            return wrong(
                field(""),
                "must list the domains in `below`, or have a `template`",
            );
        }
        let plain = |domain: &String| {
            public_suffix::has_one_owner(domain)
                && Origin::parse(&format!("https://{domain}"))
                    .is_ok_and(|origin| origin.host() == domain && !origin.is_address())
        };
        if !self.below.iter().all(plain) {
            return wrong(
                field(".below"),
                "must list domains of one owner in lower case, such as `example.com`",
            );
        }
        let Some(template) = &self.template else {
            return Ok(());
        };
        if check_origin(template).is_err()
            || template.as_str().contains('*')
            || template.names().ne(["value"])
            || !template.has_fixed_domain()
        {
            return wrong(
                field(".template"),
                "must be an https origin with `{value}` once, below a fixed domain",
            );
        }
        Ok(())
    }
}

/// How a token is attached to a request of the API (RFC 6750 §2).
///
/// In text: `"bearer"`, `{ header = "x-access-token" }`, `{ query = "access_token" }` or
/// `{ scheme = "token" }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentMethod {
    /// `Authorization: Bearer …` (RFC 6750 §2.1).
    #[default]
    Bearer,
    /// This header, with the token alone.
    Header(String),
    /// This query parameter. RFC 9700 §4.3.2 advises against it: URLs end up in logs, histories and
    /// `Referer`.
    Query(String),
    /// `Authorization` with this scheme in place of `Bearer` (RFC 9110 §11.4).
    Scheme(String),
}

impl AttachmentMethod {
    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Bearer => Ok(()),
            Self::Header(name) => value_header("attach", name).map(drop),
            Self::Query(name) if name.is_empty() => wrong("attach", "must name a parameter"),
            Self::Query(_) => Ok(()),
            // A scheme is a token (RFC 9110 §11.1), as a header's name is.
            Self::Scheme(scheme) => match HeaderName::from_bytes(scheme.as_bytes()) {
                Ok(name) if name.as_str() == "bearer" => {
                    wrong("attach", "must be `\"bearer\"` for this scheme")
                }
                Ok(name) if OTHER_SCHEMES.contains(&name.as_str()) => wrong(
                    "attach",
                    "must name a scheme that takes a token alone: this one has other contents",
                ),
                Ok(_) => Ok(()),
                Err(_) => wrong("attach", "must name a scheme, without spaces"),
            },
        }
    }

    /// Returns the header that carries the token, if one does.
    fn header(&self) -> Option<HeaderName> {
        match self {
            Self::Bearer | Self::Scheme(_) => Some(AUTHORIZATION),
            Self::Header(name) => HeaderName::from_bytes(name.as_bytes()).ok(),
            Self::Query(_) => None,
        }
    }
}

/// The registered schemes whose credentials are no token alone, in lower case.
const OTHER_SCHEMES: [&str; 11] = [
    "basic",
    "concealed",
    "digest",
    "dpop",
    "gnap",
    "hoba",
    "mac",
    "mutual",
    "negotiate",
    "ntlm",
    "vapid",
];

/// Checks the constant headers of the API's requests.
pub(super) fn check_headers(
    headers: &BTreeMap<String, Template>,
    attach: &AttachmentMethod,
) -> Result<(), Error> {
    let taken: Vec<_> = attach.header().into_iter().collect();
    check_constant_headers("api_headers", headers, &taken)
}

/// Checks constant headers: their names, and the fixed part of their values.
pub(super) fn check_constant_headers(
    section: &str,
    headers: &BTreeMap<String, Template>,
    taken: &[HeaderName],
) -> Result<(), Error> {
    let mut seen = taken.to_vec();
    for (name, value) in headers {
        let field = format!("{section}.{name}");
        added_header(&field, name, &seen)?;
        seen.push(header_name(&field, name)?);
        let text = value.as_str();
        if header::check("header", text).is_err() {
            return wrong(field, "must be visible ASCII, without spaces at its ends");
        }
    }
    Ok(())
}
