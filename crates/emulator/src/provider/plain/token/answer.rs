//! The answer with tokens (RFC 6749 §5.1).

use std::time::Duration;

use axum::body::Body;
use http::header::ACCEPT;
use http::{HeaderMap, Response};
use serde_json::Value;

use super::Issued;
use crate::answer::{Fields, Format, Gzip, granted};
use crate::provider::Context;
use crate::provider::plain::options::AnswerFormat;
use crate::provider::plain::{Plain, scope};

/// Responds with tokens, as the options say.
pub(super) fn respond(cx: &Context<Plain>, headers: &HeaderMap, issued: Issued) -> Response<Body> {
    let options = &cx.provider.options;
    let answers = &options.answers;
    let format = format(cx, headers);
    let mut fields = Fields::empty(format);
    set_further(cx, &issued, &mut fields);

    let seconds = |left: Duration| Value::from(left.as_secs());
    let separator = options.requests.scope_separator;
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.set(&answers.path_of(name, issued.of_code, format), value);
        }
    };
    set("access_token", Some(issued.access.into()));
    set("token_type", Some(answers.token_type().into()));
    let left = issued.left.filter(|_| !answers.omit_expires_in);
    let now = cx.world.now();
    set(
        "expires_in",
        left.map(|left| answers.expiry_unit.write(left, now)),
    );
    if let (Some(name), Some(_)) = (&answers.refresh_expiry, &issued.refresh) {
        set(name, issued.refresh_left.map(seconds));
    }
    set("refresh_token", issued.refresh.map(Value::from));
    let scope = issued.scope.map(|scopes| match answers.scope_list {
        true => scopes.split(' ').map(Value::from).collect(),
        false => scope::write(separator, &scopes).into(),
    });
    set("scope", scope);

    let mut response = granted(fields, issued.replaced);
    if answers.gzip {
        response.extensions_mut().insert(Gzip);
    }
    response
}

/// Sets the members that RFC 6749 does not name.
fn set_further(cx: &Context<Plain>, issued: &Issued, fields: &mut Fields) {
    let options = &cx.provider.options;
    let answers = &options.answers;
    let of_code = answers.code_members.iter().filter(|_| issued.of_code);
    for (path, value) in answers.members.iter().chain(of_code) {
        fields.set(path, value.clone());
    }
    let separator = options.requests.scope_separator;
    for (name, scopes) in &issued.further_scopes {
        fields.set(name, scope::write(separator, scopes).into());
    }
    if let (Some(path), Some(base)) = (&options.api.told_in_answer, &cx.world.api_base) {
        fields.set(path, base.as_str().into());
    }
}

/// Returns the format of the answer to a token request.
pub(in super::super) fn format(cx: &Context<Plain>, headers: &HeaderMap) -> Format {
    let accepts_json = || {
        let accepted = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut ranges = accepted.flat_map(|value| value.split(','));
        ranges.any(|range| range.split(';').next().map(str::trim) == Some("application/json"))
    };
    match cx.provider.options.answers.format {
        AnswerFormat::Json => Format::Json,
        AnswerFormat::Negotiated if accepts_json() => Format::Json,
        AnswerFormat::Form | AnswerFormat::Negotiated => Format::Form,
    }
}
