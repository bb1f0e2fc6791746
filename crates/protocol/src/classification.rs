//! The class of a refused or unreadable response of the token endpoint.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Response, StatusCode, header::RETRY_AFTER};

use crate::{
    client::Client,
    dialect::{Dialect, ErrorRule},
    error_code::ErrorCode,
    grant::GrantType,
    hint::Hint,
    json::{Found, Object},
    rate_limit,
    refusal::{Class, Refusal},
};

/// The longest response of a token endpoint that is read: 256 KiB, which is more than the
/// [login data](crate::LoginData) that is kept of one. A longer one counts as
/// unreadable.
pub const MAX_TOKEN_RESPONSE: usize = 256 * 1024;

/// Classifies a response whose object, if there is one, has been read already.
pub(crate) fn classify(
    client: &Client,
    grant_type: GrantType,
    response: &Response<Bytes>,
    object: Option<&Object>,
    sent_at: SystemTime,
) -> Refusal {
    let (dialect, status) = (client.dialect(), response.status());
    let error = ErrorAnswer {
        grant_type,
        status,
        object,
        is_empty: response.body().trim_ascii().is_empty(),
        code: object.and_then(|object| code(dialect, object)),
        texts: texts(dialect, object),
    };
    let headers = response.headers();
    let limit = rate_limit::read(&dialect.resource.rate_limit, headers, Some(sent_at));
    let rule = dialect.errors.map.iter().find(|rule| error.fits(rule));
    let class = match rule {
        Some(rule) => rule.class.class(limit.retry_after),
        None => {
            let asks_to_wait = headers.contains_key(RETRY_AFTER);
            error.default_class(dialect, asks_to_wait, limit.retry_after)
        }
    };
    let code = rule.and_then(|rule| rule.error.as_deref());
    let code = code.or(error.code.as_deref());
    let mut refusal = Refusal::of(class, response);
    refusal.code = code.map(|code| ErrorCode::read(dialect, code));
    if rule.is_none() {
        refusal.hint = Hint::find(client, grant_type, response, object, &refusal);
    }
    refusal
}

/// Returns the error code as the response spells it.
pub(crate) fn code(dialect: &Dialect, object: &Object) -> Option<String> {
    let mut paths = dialect.errors.code.iter();
    paths.find_map(|path| code_at(object, path))
}

/// Returns whether a 2xx without tokens is a refusal.
pub(crate) fn refuses(dialect: &Dialect, object: &Object) -> bool {
    let empty = r#"null false 0 "" {} []"#;
    let mut paths = dialect.errors.in_success().into_iter();
    paths.any(|path| match object.at(path) {
        Found::Absent => false,
        Found::Value(text) => !empty.split(' ').any(|empty| empty == text),
        Found::Twice => true,
    })
}

/// Returns the code at a path: a string, or an integer as its digits. 0 and `""` are none.
fn code_at(object: &Object, path: &str) -> Option<String> {
    let found = object.at(path);
    let Found::Value(text) = found else {
        return None;
    };
    let digits = text.strip_prefix('-').unwrap_or(text);
    let integer = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    match integer {
        true => (digits != "0").then(|| text.to_owned()),
        false => found.string(),
    }
}

fn texts(dialect: &Dialect, object: Option<&Object>) -> Vec<String> {
    let paths = dialect.errors.text.iter();
    let text = |path: &String| Some(object?.at(path).string()?.to_lowercase());
    paths.filter_map(text).collect()
}

/// What the rules look at.
struct ErrorAnswer<'a> {
    grant_type: GrantType,
    status: StatusCode,
    object: Option<&'a Object>,
    is_empty: bool,
    code: Option<String>,
    /// In lower case.
    texts: Vec<String>,
}

impl ErrorAnswer<'_> {
    fn fits(&self, rule: &ErrorRule) -> bool {
        let contains = |wanted: &String| {
            let wanted = wanted.to_lowercase();
            self.texts.iter().any(|text| text.contains(&wanted))
        };
        rule.grant_type
            .is_none_or(|wanted| wanted == self.grant_type)
            && rule
                .status
                .is_none_or(|wanted| wanted == self.status.as_u16())
            && rule.error.as_deref().is_none_or(|e| self.has_code(rule, e))
            && (!rule.without_code || self.has_no_code())
            && rule.text.as_ref().is_none_or(contains)
    }

    fn has_code(&self, rule: &ErrorRule, wanted: &str) -> bool {
        match (&rule.at, self.object) {
            (Some(path), Some(object)) => code_at(object, path).as_deref() == Some(wanted),
            (Some(_), None) => false,
            (None, _) => self.code.as_deref() == Some(wanted),
        }
    }

    /// Returns whether the provider says nothing. A page that is no object may be a proxy's.
    fn has_no_code(&self) -> bool {
        self.code.is_none() && (self.object.is_some() || self.is_empty)
    }

    fn default_class(
        &self,
        dialect: &Dialect,
        asks_to_wait: bool,
        retry_after: Option<Duration>,
    ) -> Class {
        match self.status.as_u16() {
            429 => Class::Transient { retry_after },
            503 if asks_to_wait => Class::Transient { retry_after },
            408 | 500..=599 => Class::Ambiguous,
            200..=299 if !self.object.is_some_and(|o| refuses(dialect, o)) => Class::Ambiguous,
            200..=299 | 400..=499 => match self.code.as_deref() {
                Some("invalid_grant") => Class::Terminal,
                Some("invalid_client" | "unauthorized_client" | "unsupported_grant_type") => {
                    Class::Configuration
                }
                _ => Class::Unexplained,
            },
            _ => Class::Unexplained,
        }
    }
}
