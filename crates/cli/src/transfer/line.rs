//! An account as a line of JSON.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize};
use tokenkeeper::{
    Account,
    protocol::{AccessToken, LoginData, RefreshToken, TokenSet},
    store::Key,
};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{BoxError, account::AccountName, output, secret, time};

/// An account with its tokens. Only `account` and `access_token` are required.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    /// PROVIDER or PROVIDER/NAME.
    account: String,
    /// Where the tokens are from: an import compares them with its configuration.
    #[serde(default)]
    site: Option<String>,
    #[serde(default)]
    client_id: Option<String>,
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    /// Times are RFC 3339, or seconds since 1970.
    #[serde(
        default,
        serialize_with = "time::option::serialize",
        deserialize_with = "moment"
    )]
    issued_at: Option<SystemTime>,
    #[serde(
        default,
        serialize_with = "time::option::serialize",
        deserialize_with = "moment"
    )]
    expires_at: Option<SystemTime>,
    #[serde(
        default,
        serialize_with = "time::option::serialize",
        deserialize_with = "moment"
    )]
    refresh_expires_at: Option<SystemTime>,
    #[serde(default)]
    login_data: LoginData,
}

impl Line {
    pub(super) fn new(name: &AccountName, key: &Key, tokens: &TokenSet, data: LoginData) -> Self {
        let refresh_token = tokens.refresh_token.as_ref();
        Self {
            account: name.to_string(),
            site: Some(key.base().to_owned()),
            client_id: Some(key.client_id().to_owned()),
            access_token: tokens.access_token.expose().to_owned(),
            refresh_token: refresh_token.map(|token| token.expose().to_owned()),
            token_type: tokens.token_type.clone(),
            scope: tokens.scope.clone(),
            issued_at: Some(tokens.issued_at),
            expires_at: tokens.expires_at,
            refresh_expires_at: tokens.refresh_expires_at,
            login_data: data,
        }
    }

    /// Returns the line with its end.
    pub(super) fn to_text(&self) -> Result<Zeroizing<String>, BoxError> {
        let mut line = output::json_line(self)?;
        let text = String::from_utf8(std::mem::take(&mut *line))?;
        Ok(Zeroizing::new(text))
    }

    /// Reads a line. The problem names a field, and never shows a value.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let line: Self = secret::parse_hidden(text, "no account as JSON,")?;
        if line.access_token.is_empty() {
            return Err("`access_token` is empty".to_owned());
        }
        Ok(line)
    }

    pub(super) fn name(&self) -> Result<AccountName, String> {
        let name = self.account.parse();
        name.map_err(|problem: &str| format!("`account`: {problem}"))
    }

    /// Checks that the tokens are from the account's site and client, as far as the line says.
    pub(super) fn check_source(&self, account: &Account) -> Result<(), String> {
        let key = account.key();
        for (field, given, configured) in [
            ("site", &self.site, key.base()),
            ("client_id", &self.client_id, key.client_id()),
        ] {
            if given.as_deref().is_some_and(|given| given != configured) {
                return Err(format!(
                    "the tokens are of another `{field}` than the configured {configured}"
                ));
            }
        }
        Ok(())
    }

    /// Takes the tokens out.
    pub(super) fn into_tokens(mut self) -> (TokenSet, LoginData) {
        let mut tokens = TokenSet::new("");
        tokens.access_token = AccessToken::new(std::mem::take(&mut self.access_token));
        let refresh_token = self.refresh_token.take().filter(|token| !token.is_empty());
        tokens.refresh_token = refresh_token.map(RefreshToken::new);
        tokens.token_type = self.token_type.take();
        tokens.scope = self.scope.take();
        tokens.issued_at = self.issued_at.unwrap_or(tokens.issued_at);
        tokens.expires_at = self.expires_at;
        tokens.refresh_expires_at = self.refresh_expires_at;
        (tokens, std::mem::take(&mut self.login_data))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.access_token.zeroize();
        self.refresh_token.zeroize();
    }
}

/// Reads a time as a text or as a number.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Moment {
        Text(String),
        Seconds(u64),
    }
    let read = match Option::<Moment>::deserialize(deserializer)? {
        None => return Ok(None),
        Some(Moment::Text(text)) => humantime::parse_rfc3339(&text).ok(),
        Some(Moment::Seconds(seconds)) => UNIX_EPOCH.checked_add(Duration::from_secs(seconds)),
    };
    let wrong = || serde::de::Error::custom("not a time");
    read.map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_survives_being_written_and_read() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let mut tokens = TokenSet::new("access-1")
            .with_refresh_token("refresh-1")
            .with_issued_at(at(1_000))
            .with_expires_at(at(2_000))
            .with_refresh_expires_at(at(3_000))
            .with_scope("read");
        tokens.token_type = Some("Bearer".to_owned());
        let data = LoginData::default().with_parameter("realmId", "7");
        let key = Key::new("plain", "https://id.example", "client", "work").unwrap();
        let name = AccountName::new("plain", Some("work"));
        let text = Line::new(&name, &key, &tokens, data.clone())
            .to_text()
            .unwrap();
        let line = Line::parse(&text).unwrap();
        assert_eq!(line.name().unwrap(), name);
        assert_eq!(line.into_tokens(), (tokens, data));
    }

    #[test]
    fn two_fields_are_enough() {
        let text = r#"{"account":"plain","access_token":"a","expires_at":2000}"#;
        let (tokens, _) = Line::parse(text).unwrap().into_tokens();
        assert_eq!(
            tokens.expires_at,
            Some(UNIX_EPOCH + Duration::from_secs(2000))
        );
        assert!(tokens.refresh_token.is_none());
    }

    #[test]
    fn a_problem_names_a_field_and_shows_no_value() {
        for (text, named) in [
            ("secret", "column 1"),
            (r#"{"account":"plain"}"#, "missing field `access_token`"),
            (r#"{"access_token":"secret"}"#, "missing field `account`"),
            (
                r#"{"account":"plain","access_token":""}"#,
                "`access_token` is empty",
            ),
            (
                r#"{"account":"plain","acess_token":"secret"}"#,
                "`acess_token`",
            ),
            (r#"{"account":"plain","access_token":["secret"]}"#, "column"),
            (
                r#"{"account":"p","access_token":"a","expires_at":"secret"}"#,
                "column",
            ),
        ] {
            let problem = Line::parse(text).err().unwrap();
            assert!(problem.contains(named), "{text}: {problem}");
            assert!(!problem.contains("secret"), "{problem}");
        }
    }
}
