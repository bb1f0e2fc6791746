//! Removes a token in the query from what the caller gets.

use http::{HeaderMap, Uri};
use reqwest::{Body, Response, ResponseBuilderExt as _, Url};
use reqwest_middleware::Error as MiddlewareError;
use tokenkeeper_engine::{Credential, protocol::Attachment};

use crate::Error;

/// Removes the token from the response's URL, which `error_for_status` puts into an error's text.
pub(crate) fn response(response: Response, sent: &Credential) -> Response {
    let attachment = sent.attachment();
    let Attachment::Query { name, .. } = attachment.token() else {
        return response;
    };
    let url = without_parameter(response.url(), name);
    let (mut head, body) = http::Response::<Body>::from(response).into_parts();
    let carrier = http::Response::builder().url(url).body(());
    let (carrier, ()) = carrier
        .expect("a builder without headers is valid")
        .into_parts();
    head.extensions.extend(carrier.extensions);
    http::Response::from_parts(head, body).into()
}

/// Removes the token from the error's text.
pub(crate) fn error(error: MiddlewareError, sent: &Credential) -> MiddlewareError {
    let attachment = sent.attachment();
    let Attachment::Query { value, .. } = attachment.token() else {
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
    // The form in the URL, where some characters may be escaped.
    let escaped = attached(sent);
    let shows_token = error.chain().any(|cause| {
        let text = format!("{cause} {cause:?}");
        text.contains(value.expose()) || text.contains(&escaped)
    });
    if shows_token {
        MiddlewareError::middleware(Error::Withheld)
    } else {
        error.into()
    }
}

/// Returns `name=value` as it is in the URL.
fn attached(sent: &Credential) -> String {
    let mut uri = Uri::from_static("/");
    // Cannot fail: it was attached to a longer URI before.
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
