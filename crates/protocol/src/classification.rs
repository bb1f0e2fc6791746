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
    let dialect = client.dialect();
    let error = ErrorResponse::read(dialect, Some(grant_type), response, object);
    let headers = response.headers();
    let limit = rate_limit::read(&dialect.resource.rate_limit, headers, Some(sent_at));
    let rule = error.rule(dialect);
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

/// Returns the error code as the response spells it: one that the dialect names, otherwise a
/// registered one, otherwise the first. Some servers put a reason phrase or a status in front.
pub(crate) fn code(dialect: &Dialect, object: &Object) -> Option<String> {
    let paths = dialect.errors.code.iter();
    let mut codes: Vec<String> = paths.filter_map(|path| code_at(object, path)).collect();
    let is_named = |code: &String| {
        let done_when = dialect.revocation.iter().flat_map(|rules| &rules.done_when);
        let mut done_when = done_when.map(|response| response.error.as_ref());
        dialect.errors.names(code) || done_when.any(|named| named == Some(code))
    };
    let best = codes.iter().position(is_named).or_else(|| {
        let is_registered = |code: &String| ErrorCode::new(code).as_str().is_some();
        codes.iter().position(is_registered)
    });
    (!codes.is_empty()).then(|| codes.swap_remove(best.unwrap_or_default()))
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
pub(crate) fn code_at(object: &Object, path: &str) -> Option<String> {
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

/// Returns the class of a code that RFC 8628 §3.5 defines for polls.
fn poll_class(code: &str) -> Option<Class> {
    match code {
        "authorization_pending" => Some(Class::Pending),
        "slow_down" => Some(Class::SlowDown),
        "access_denied" | "expired_token" => Some(Class::Terminal),
        _ => None,
    }
}

/// What the rules look at.
pub(crate) struct ErrorResponse<'a> {
    /// `None`: it is the response to a revocation.
    grant_type: Option<GrantType>,
    pub(crate) status: StatusCode,
    object: Option<&'a Object>,
    is_empty: bool,
    pub(crate) code: Option<String>,
    /// In lower case.
    texts: Vec<String>,
}

impl<'a> ErrorResponse<'a> {
    pub(crate) fn read(
        dialect: &Dialect,
        grant_type: Option<GrantType>,
        response: &Response<Bytes>,
        object: Option<&'a Object>,
    ) -> Self {
        Self {
            grant_type,
            status: response.status(),
            object,
            is_empty: response.body().trim_ascii().is_empty(),
            code: object.and_then(|object| code(dialect, object)),
            texts: texts(dialect, object),
        }
    }

    /// Returns the first rule that fits.
    pub(crate) fn rule<'d>(&self, dialect: &'d Dialect) -> Option<&'d ErrorRule> {
        dialect.errors.map.iter().find(|rule| self.fits(rule))
    }

    /// Returns whether one of the texts contains this one, without regard to case.
    pub(crate) fn says(&self, wanted: &str) -> bool {
        let wanted = wanted.to_lowercase();
        self.texts.iter().any(|text| text.contains(&wanted))
    }

    fn fits(&self, rule: &ErrorRule) -> bool {
        rule.grant_type
            .is_none_or(|wanted| self.grant_type == Some(wanted))
            && rule
                .status
                .is_none_or(|wanted| wanted == self.status.as_u16())
            && rule.error.as_deref().is_none_or(|e| self.has_code(rule, e))
            && (!rule.without_code || self.has_no_code())
            && rule.text.as_ref().is_none_or(|text| self.says(text))
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
        let polled = self.grant_type == Some(GrantType::DeviceCode);
        let of_poll = polled.then(|| poll_class(self.code.as_deref()?)).flatten();
        if let Some(class) = of_poll.filter(|_| self.status.as_u16() < 500) {
            return class;
        }
        match self.status.as_u16() {
            429 => Class::Transient { retry_after },
            503 if asks_to_wait || self.code.as_deref() == Some("temporarily_unavailable") => {
                Class::Transient { retry_after }
            }
            408 | 500..=599 => Class::Ambiguous,
            200..=299 if !self.object.is_some_and(|o| refuses(dialect, o)) => Class::Ambiguous,
            200..=299 | 400..=499 => match self.code.as_deref() {
                Some("invalid_grant") => Class::Terminal,
                Some("temporarily_unavailable" | "slow_down") => Class::Transient { retry_after },
                // It stands for a 500, and the server may have failed after it rotated the token.
                Some("server_error") => Class::Ambiguous,
                Some("invalid_client" | "unauthorized_client" | "unsupported_grant_type") => {
                    Class::Configuration
                }
                _ => Class::Unexplained,
            },
            _ => Class::Unexplained,
        }
    }
}
