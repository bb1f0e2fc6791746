//! The answers of the token endpoint.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// The unit of the access token's expiry in answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ExpiryUnit {
    /// Seconds from now (RFC 6749 §5.1).
    #[default]
    Seconds,
    /// Milliseconds from now.
    Milliseconds,
    /// Seconds since 1970 by the emulator's clock.
    EpochSeconds,
    /// Milliseconds since 1970 by the emulator's clock.
    EpochMilliseconds,
}

impl ExpiryUnit {
    /// Returns the expiry of a token that has `left` to live at `now`.
    pub(crate) fn write(self, left: Duration, now: SystemTime) -> Value {
        let since_epoch = (now + left).duration_since(UNIX_EPOCH).unwrap_or_default();
        match self {
            Self::Seconds => left.as_secs().into(),
            Self::Milliseconds => millis(left),
            Self::EpochSeconds => since_epoch.as_secs().into(),
            Self::EpochMilliseconds => millis(since_epoch),
        }
    }
}

fn millis(duration: Duration) -> Value {
    u64::try_from(duration.as_millis())
        .unwrap_or(u64::MAX)
        .into()
}

/// The form of an answer with tokens.
#[derive(Debug, Clone, Default)]
pub(crate) struct AnswerOptions {
    pub(crate) format: AnswerFormat,
    pub(crate) gzip: bool,
    /// The path of the object with the tokens.
    tokens_at: Option<String>,
    /// The path of that object in the answer to a refresh, if it is another one.
    refresh_tokens_at: Option<String>,
    names: Named<String>,
    token_type: Option<String>,
    /// Members of every answer with tokens, by path.
    pub(crate) members: Named<Value>,
    /// Members of the answer to a code, by path.
    pub(crate) code_members: Named<Value>,
    pub(crate) omit_expires_in: bool,
    pub(crate) expiry_unit: ExpiryUnit,
    pub(crate) scope_list: bool,
    pub(crate) refresh_expiry: Option<String>,
}

impl AnswerOptions {
    /// Returns the path of a member that RFC 6749 names, or of another one next to the tokens.
    pub(crate) fn path_of(&self, standard: &str, of_code: bool, format: Format) -> String {
        let name = last(&self.names, standard).map_or(standard, String::as_str);
        let of_refresh = self.refresh_tokens_at.as_ref().filter(|_| !of_code);
        match of_refresh.or(self.tokens_at.as_ref()) {
            Some(parent) if format != Format::Form && !parent.is_empty() => {
                format!("{parent}.{name}")
            }
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

    /// Puts the tokens of a refresh elsewhere: at the top if the path is empty (Slack).
    #[must_use]
    pub fn refresh_tokens_at(mut self, path: impl Into<String>) -> Self {
        self.answers.refresh_tokens_at = Some(path.into());
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

    /// Sets the unit of `expires_in`. Default: seconds. Strava says in `expires_at` when it is.
    #[must_use]
    pub fn expiry_unit(mut self, unit: ExpiryUnit) -> Self {
        self.answers.expiry_unit = unit;
        self
    }

    /// Writes the scope as a JSON list of strings (Twitch).
    #[must_use]
    pub fn scope_list(mut self) -> Self {
        self.answers.scope_list = true;
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
