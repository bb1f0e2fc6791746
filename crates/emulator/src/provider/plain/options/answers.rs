//! The answers of the token endpoint.

use serde_json::Value;

use super::{Named, PlainOptions, last};
use crate::answer::Format;

/// The format of the token endpoint's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AnswerFormat {
    /// JSON (RFC 6749 §5.1).
    #[default]
    Json,
    /// `application/x-www-form-urlencoded`, without nested members.
    Form,
    /// [`Json`](Self::Json) if the request accepts it by name, otherwise [`Form`](Self::Form)
    /// (GitHub).
    Negotiated,
}

/// The form of an answer with tokens.
#[derive(Debug, Clone, Default)]
pub(crate) struct AnswerOptions {
    pub(crate) format: AnswerFormat,
    pub(crate) gzip: bool,
    /// The path of the object with the tokens.
    tokens_at: Option<String>,
    names: Named<String>,
    token_type: Option<String>,
    /// Members of every answer with tokens, by path.
    pub(crate) members: Named<Value>,
    /// Members of the answer to a code, by path.
    pub(crate) code_members: Named<Value>,
    pub(crate) omit_expires_in: bool,
    pub(crate) refresh_expiry: Option<String>,
}

impl AnswerOptions {
    /// Returns the path of a member that RFC 6749 names, or of another one next to the tokens.
    pub(crate) fn path_of(&self, standard: &str, format: Format) -> String {
        let name = last(&self.names, standard).map_or(standard, String::as_str);
        match &self.tokens_at {
            Some(parent) if format != Format::Form => format!("{parent}.{name}"),
            _ => name.to_owned(),
        }
    }

    pub(crate) fn token_type(&self) -> &str {
        self.token_type.as_deref().unwrap_or("Bearer")
    }
}

/// Answers with tokens.
///
/// In a path, dots separate the members: `authed_user.id`.
impl PlainOptions {
    /// Sets the format of the token endpoint's answers, errors too. Default: JSON.
    #[must_use]
    pub fn answer_format(mut self, format: AnswerFormat) -> Self {
        self.answers.format = format;
        self
    }

    /// Compresses the token endpoint's answers with gzip, whether or not the request accepts it.
    #[must_use]
    pub fn gzip_answers(mut self) -> Self {
        self.answers.gzip = true;
        self
    }

    /// Puts the tokens into the object at this path: `data` (TikTok) or `authed_user` (Slack).
    #[must_use]
    pub fn tokens_at(mut self, path: impl Into<String>) -> Self {
        self.answers.tokens_at = Some(path.into());
        self
    }

    /// Renames a member of answers with tokens: `access_token` to `accessToken`.
    #[must_use]
    pub fn member_name(mut self, standard: &str, name: impl Into<String>) -> Self {
        let names = &mut self.answers.names;
        names.push((standard.to_owned(), name.into()));
        self
    }

    /// Sets the type of access tokens. Default: `Bearer`. Slack says `user` and means the same.
    #[must_use]
    pub fn token_type(mut self, token_type: impl Into<String>) -> Self {
        self.answers.token_type = Some(token_type.into());
        self
    }

    /// Adds a member to every answer with tokens, by its path from the top: `ok` or `team.id`.
    #[must_use]
    pub fn member(mut self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.answers.members.push((path.into(), value.into()));
        self
    }

    /// Adds a member to the answer to a code, which the answers to refreshes lack.
    #[must_use]
    pub fn code_member(mut self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.answers.code_members.push((path.into(), value.into()));
        self
    }

    /// Omits `expires_in` from token responses.
    #[must_use]
    pub fn omit_expires_in(mut self) -> Self {
        self.answers.omit_expires_in = true;
        self
    }

    /// Adds the remaining seconds of the refresh token under this name, if it expires:
    /// `refresh_expires_in` (Keycloak), `x_refresh_token_expires_in` (QuickBooks).
    ///
    /// [`refresh_token_lifetime`](crate::Builder::refresh_token_lifetime) sets its life.
    #[must_use]
    pub fn refresh_expiry_member(mut self, name: impl Into<String>) -> Self {
        self.answers.refresh_expiry = Some(name.into());
        self
    }
}
