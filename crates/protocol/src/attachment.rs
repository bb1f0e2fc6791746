//! Attaching a token to a request.

use std::{fmt, sync::Arc};

use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri, header::AUTHORIZATION, uri::PathAndQuery,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{
    access_token::AccessToken, client::Client, dialect::AttachmentMethod, error::Error, header,
    token_type, values::Values,
};

/// A token in the form in which a request carries it. `Debug` shows the place and not the token.
#[derive(Clone)]
pub enum Attachment {
    /// In a header.
    Header {
        /// The header's name.
        name: HeaderName,
        /// The header's value, marked sensitive.
        value: HeaderValue,
    },
    /// In the query.
    Query {
        /// The parameter's name.
        name: String,
        /// The token.
        value: AccessToken,
    },
    /// At one of these places, next to constant headers of the API.
    WithHeaders {
        /// The token.
        token: Box<Attachment>,
        /// The headers, which the request may have already.
        headers: ApiHeaders,
    },
}

/// Constant headers of requests to an API. Clones share them; `Debug` shows the names.
#[derive(Clone)]
pub struct ApiHeaders(Arc<[(HeaderName, HeaderValue)]>);

/// Characters that RFC 3986 §2.3 calls unreserved stay as they are.
pub(crate) const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Attachment {
    /// Puts the token on a request and replaces any value of the same name. The rest of the URI
    /// keeps its bytes.
    ///
    /// # Errors
    /// [`Error::Http`] if the URI would be too long; the request is then unchanged.
    #[inline]
    pub fn apply(&self, uri: &mut Uri, headers: &mut HeaderMap) -> Result<(), Error> {
        match self {
            Self::Header { name, value } => insert(name, value, headers),
            Self::Query { name, value } => *uri = with_query(uri, name, value)?,
            Self::WithHeaders {
                token,
                headers: constant,
            } => {
                token.apply(uri, headers)?;
                constant.add_to(headers);
            }
        }
        Ok(())
    }

    /// Does the same as [`apply`](Self::apply) for a whole request.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    #[inline]
    pub fn apply_to<B>(&self, request: &mut Request<B>) -> Result<(), Error> {
        match self {
            Self::Header { name, value } => insert(name, value, request.headers_mut()),
            Self::Query { name, value } => {
                let uri = request.uri_mut();
                *uri = with_query(uri, name, value)?;
            }
            Self::WithHeaders { token, headers } => {
                token.apply_to(request)?;
                headers.add_to(request.headers_mut());
            }
        }
        Ok(())
    }

    /// Returns the part that carries the token, which is a header or a query parameter.
    #[must_use]
    pub fn token(&self) -> &Self {
        match self {
            Self::Header { .. } | Self::Query { .. } => self,
            Self::WithHeaders { token, .. } => token,
        }
    }
}

impl ApiHeaders {
    /// Fills in the values of a client. `None`: its dialect has no such headers.
    pub(crate) fn of(client: &Client) -> Result<Option<Self>, Error> {
        let values = Values::of_client(client);
        let mut headers = Vec::new();
        for (name, template) in &client.dialect().api_headers {
            let name = HeaderName::try_from(name).map_err(http::Error::from)?;
            headers.push((name, header::constant(&values, template)?));
        }
        Ok((!headers.is_empty()).then(|| headers.into_iter().collect()))
    }

    /// Adds the headers that the request does not have.
    fn add_to(&self, headers: &mut HeaderMap) {
        for (name, value) in &*self.0 {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }

    /// Returns the headers.
    pub fn iter(&self) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        self.0.iter()
    }
}

impl FromIterator<(HeaderName, HeaderValue)> for ApiHeaders {
    fn from_iter<I: IntoIterator<Item = (HeaderName, HeaderValue)>>(headers: I) -> Self {
        Self(headers.into_iter().collect())
    }
}

impl fmt::Debug for ApiHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(|(name, _)| name.as_str()))
            .finish()
    }
}

#[inline]
fn insert(name: &HeaderName, value: &HeaderValue, headers: &mut HeaderMap) {
    if *name == AUTHORIZATION {
        // The common case: the hash of this name is a constant.
        headers.insert(AUTHORIZATION, value.clone());
    } else {
        headers.insert(name, value.clone());
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, name) = match self {
            Self::Header { name, .. } => ("Header", name.as_str()),
            Self::Query { name, .. } => ("Query", name.as_str()),
            Self::WithHeaders { token, headers } => {
                let mut out = f.debug_struct("WithHeaders");
                return out.field("token", token).field("headers", headers).finish();
            }
        };
        f.debug_struct(place)
            .field("name", &name)
            .finish_non_exhaustive()
    }
}

pub(crate) fn attach(
    client: &Client,
    token: &AccessToken,
    token_type: Option<&str>,
) -> Result<Attachment, Error> {
    token_type::check(client, token_type)?;
    let attachment = match &client.dialect().attach {
        AttachmentMethod::Bearer => Attachment::Header {
            name: AUTHORIZATION,
            value: token.bearer_header()?,
        },
        AttachmentMethod::Header(name) => Attachment::Header {
            name: HeaderName::try_from(name).map_err(http::Error::from)?,
            value: token.bare_header()?,
        },
        AttachmentMethod::Query(name) => {
            header::check("access token", token.expose())?;
            let (name, value) = (name.clone(), token.clone());
            Attachment::Query { name, value }
        }
        AttachmentMethod::Scheme(scheme) => Attachment::Header {
            name: AUTHORIZATION,
            value: token.scheme_header(scheme)?,
        },
    };
    Ok(match client.api_headers() {
        None => attachment,
        Some(headers) => Attachment::WithHeaders {
            token: Box::new(attachment),
            headers: headers.clone(),
        },
    })
}

fn with_query(uri: &Uri, name: &str, value: &AccessToken) -> Result<Uri, Error> {
    let pairs = uri.query().filter(|query| !query.is_empty()).into_iter();
    let others = pairs.flat_map(|query| query.split('&')).filter(|pair| {
        let key = pair.split('=').next().unwrap_or_default();
        percent_decode_str(key).ne(name.bytes())
    });
    let own = format!(
        "{}={}",
        utf8_percent_encode(name, ESCAPED),
        utf8_percent_encode(value.expose(), ESCAPED)
    );
    let query = others.chain([own.as_str()]).collect::<Vec<_>>().join("&");
    let path = match uri.path() {
        "" => "/",
        path => path,
    };
    let path_and_query: PathAndQuery = format!("{path}?{query}")
        .parse()
        .map_err(http::Error::from)?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query);
    Ok(Uri::from_parts(parts).map_err(http::Error::from)?)
}
