//! Responses, and their meaning for the counters.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, PRAGMA};
use http::{HeaderValue, Response, StatusCode};
use serde_json::Value;

/// The decision of the token endpoint, which a response's extensions carry to the counters.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    Granted { replaced: bool },
    Refused { error: String, dead: bool },
}

/// The syntax of a JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// RFC 8259.
    Json,
    /// Keys without quotes, as the Milestones documents print them.
    Loose,
}

/// The fields of a flat object, in order.
///
/// A response keeps them in its extensions, so that a fault can change one and write them again.
#[derive(Clone)]
pub(crate) struct Fields {
    pub(crate) list: Vec<(String, Value)>,
    pub(crate) format: Format,
}

impl Fields {
    pub(crate) fn json(list: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let list = list
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Self {
            list,
            format: Format::Json,
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: Value) {
        match self.list.iter_mut().find(|(key, _)| key == name) {
            Some(field) => field.1 = value,
            None => self.list.push((name.to_owned(), value)),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.list.retain(|(key, _)| key != name);
    }

    pub(crate) fn render(&self) -> String {
        let (open, separator, close) = match self.format {
            Format::Json => ("{", ",", "}"),
            Format::Loose => ("{\n    ", ",\n    ", "\n}"),
        };
        let fields: Vec<String> = self
            .list
            .iter()
            .map(|(name, value)| match self.format {
                Format::Json => format!("{}:{value}", Value::from(name.as_str())),
                Format::Loose => format!("{name}: {value}"),
            })
            .collect();
        format!("{open}{}{close}", fields.join(separator))
    }

    pub(crate) fn respond(self, status: StatusCode) -> Response<Body> {
        let mut response = with_type(status, "application/json", self.render());
        response.extensions_mut().insert(self);
        response
    }
}

/// Responds with tokens: 200, never cached (RFC 6749 §5.1).
pub(crate) fn granted(fields: Fields, replaced: bool) -> Response<Body> {
    let mut response = no_store(fields.respond(StatusCode::OK));
    response
        .extensions_mut()
        .insert(Verdict::Granted { replaced });
    response
}

/// Marks a refusal of the token endpoint, for the counters.
///
/// `dead` says that the presented refresh token is of no more use.
pub(crate) fn refused(mut response: Response<Body>, error: &str, dead: bool) -> Response<Body> {
    response.extensions_mut().insert(Verdict::Refused {
        error: error.to_owned(),
        dead,
    });
    no_store(response)
}

pub(crate) fn json(status: StatusCode, value: &Value) -> Response<Body> {
    with_type(status, "application/json", value.to_string())
}

pub(crate) fn html(status: StatusCode, text: String) -> Response<Body> {
    with_type(status, "text/html; charset=utf-8", text)
}

pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Redirects with 302.
pub(crate) fn redirect(to: &str) -> Response<Body> {
    match HeaderValue::from_str(to) {
        Ok(location) => {
            let mut response = no_store(empty(StatusCode::FOUND));
            response.headers_mut().insert(LOCATION, location);
            response
        }
        Err(_) => html(
            StatusCode::BAD_REQUEST,
            crate::page::error("The redirect URI cannot be sent in a header."),
        ),
    }
}

fn with_type(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn no_store(mut response: Response<Body>) -> Response<Body> {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
        .headers_mut()
        .insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
