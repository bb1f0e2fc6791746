//! The errors of the token endpoint.

use http::StatusCode;
use serde_json::Value;

use super::{Named, PlainOptions, last};

/// The form of an error.
#[derive(Debug, Clone)]
pub(crate) struct ErrorOptions {
    in_200: bool,
    pub(crate) empty: bool,
    /// The path of the code.
    pub(crate) at: String,
    /// The path of the description.
    pub(crate) text_at: String,
    codes: Named<Value>,
    texts: Named<String>,
    statuses: Named<StatusCode>,
    /// Members of every error, by path.
    pub(crate) members: Named<Value>,
}

impl ErrorOptions {
    /// Returns the code that stands for one of RFC 6749.
    pub(crate) fn code(&self, standard: &str) -> Value {
        let code = last(&self.codes, standard);
        code.cloned().unwrap_or_else(|| standard.into())
    }

    pub(crate) fn text<'a>(&'a self, standard: &str, text: &'a str) -> &'a str {
        last(&self.texts, standard).map_or(text, String::as_str)
    }

    pub(crate) fn status(&self, standard: &str, status: StatusCode) -> StatusCode {
        match last(&self.statuses, standard) {
            Some(status) => *status,
            None if self.in_200 => StatusCode::OK,
            None => status,
        }
    }
}

impl Default for ErrorOptions {
    fn default() -> Self {
        Self {
            in_200: false,
            empty: false,
            at: "error".to_owned(),
            text_at: "error_description".to_owned(),
            codes: Vec::new(),
            texts: Vec::new(),
            statuses: Vec::new(),
            members: Vec::new(),
        }
    }
}

/// Errors of the token endpoint.
///
/// They are named by the code of RFC 6749 §5.2 that they stand for, also in the
/// [counters](crate::Counters::token_requests_by_outcome).
impl PlainOptions {
    /// Sends errors with the status 200 (GitHub, Slack).
    #[must_use]
    pub fn errors_in_200(mut self) -> Self {
        self.errors.in_200 = true;
        self
    }

    /// Sends errors without a body.
    #[must_use]
    pub fn errors_without_body(mut self) -> Self {
        self.errors.empty = true;
        self
    }

    /// Sets the path of the error code: `error.code` (Facebook), `code` (TikTok). Default: `error`.
    #[must_use]
    pub fn error_at(mut self, path: impl Into<String>) -> Self {
        self.errors.at = path.into();
        self
    }

    /// Sets the path of the description. Default: `error_description`.
    #[must_use]
    pub fn error_text_at(mut self, path: impl Into<String>) -> Self {
        self.errors.text_at = path.into();
        self
    }

    /// Replaces an error code with another string or a number: `invalid_grant` with
    /// `bad_refresh_token` (GitHub).
    #[must_use]
    pub fn error_code(mut self, standard: &str, code: impl Into<Value>) -> Self {
        let codes = &mut self.errors.codes;
        codes.push((standard.to_owned(), code.into()));
        self
    }

    /// Sets the description of an error, for providers whose code does not tell enough.
    #[must_use]
    pub fn error_text(mut self, standard: &str, text: impl Into<String>) -> Self {
        self.errors.texts.push((standard.to_owned(), text.into()));
        self
    }

    /// Sets the status of an error: 403 for `invalid_grant` (Atlassian).
    ///
    /// # Panics
    /// If `status` is not between 100 and 999.
    #[must_use]
    pub fn error_status(mut self, standard: &str, status: u16) -> Self {
        let status = StatusCode::from_u16(status).expect("a status between 100 and 999");
        self.errors.statuses.push((standard.to_owned(), status));
        self
    }

    /// Adds a member to every error, by its path from the top: `ok` with `false` (Slack).
    #[must_use]
    pub fn error_member(mut self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.errors.members.push((path.into(), value.into()));
        self
    }
}
