//! Keeps a token that travels in the query out of what the caller gets back.

use http::{HeaderMap, Uri};
use reqwest::{Body, Response, ResponseBuilderExt as _, Url};
use reqwest_middleware::Error as MiddlewareError;
use tokenkeeper_engine::{Credential, protocol::Attachment};

use crate::Error;

/// The response, without the token in its URL: `error_for_status` would put that into the text of an error.
pub(crate) fn response(response: Response, sent: &Credential) -> Response {
    let Attachment::Query { name, .. } = sent.attachment() else {
        return response;
    };
    let url = without_parameter(response.url(), &name);
    let (mut head, body) = http::Response::<Body>::from(response).into_parts();
    let carrier = http::Response::builder().url(url).body(());
    let (carrier, ()) = carrier
        .expect("a builder without headers is valid")
        .into_parts();
    head.extensions.extend(carrier.extensions);
    http::Response::from_parts(head, body).into()
}

/// The error, without the token in its text.
pub(crate) fn error(error: MiddlewareError, sent: &Credential) -> MiddlewareError {
    let Attachment::Query { value, .. } = sent.attachment() else {
        return error;
    };
    let error = match error {
        MiddlewareError::Reqwest(error) => return error.without_url().into(),
        MiddlewareError::Middleware(error) => error,
    };
    let error = match error.downcast::<reqwest::Error>() {
        Ok(error) => return error.without_url().into(),
        Err(error) => error,
    };
    // As it stands in the URL, where some of its characters may be escaped.
    let escaped = attached(sent);
    let tells = error.chain().any(|cause| {
        let text = format!("{cause} {cause:?}");
        text.contains(value.expose()) || text.contains(&escaped)
    });
    if tells {
        MiddlewareError::middleware(Error::Withheld)
    } else {
        error.into()
    }
}

/// `name=value`, as it is in the URL.
fn attached(sent: &Credential) -> String {
    let mut uri = Uri::from_static("/");
    // It was attached to a longer URI before, so this cannot fail.
    let _ = sent.attachment().apply(&mut uri, &mut HeaderMap::new());
    uri.query().unwrap_or_default().to_owned()
}

fn without_parameter(url: &Url, name: &str) -> Url {
    let mut clean = url.clone();
    let others = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| form_urlencoded::parse(pair.as_bytes()).all(|(key, _)| key != name));
    let query = others.collect::<Vec<_>>().join("&");
    clean.set_query((!query.is_empty()).then_some(&query));
    clean
}
