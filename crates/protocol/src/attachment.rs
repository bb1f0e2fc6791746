//! Attaching a token to a request.

use std::fmt;

use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri, header::AUTHORIZATION, uri::PathAndQuery,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{
    access_token::AccessToken, client::Client, dialect::AttachmentMethod, error::Error, header,
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
}

/// Characters that RFC 3986 §2.3 calls unreserved stay as they are.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
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
        }
        Ok(())
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
        };
        f.debug_struct(place)
            .field("name", &name)
            .finish_non_exhaustive()
    }
}

pub(crate) fn attach(client: &Client, token: &AccessToken) -> Result<Attachment, Error> {
    Ok(match &client.dialect().attach {
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
