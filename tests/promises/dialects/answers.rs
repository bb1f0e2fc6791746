//! Kinds that differ in their answers with tokens.

use std::time::Duration;

use tokenkeeper_emulator::{AnswerFormat, ExpiryUnit, PlainOptions};

use super::Kind;

pub(super) fn kinds() -> Vec<Kind> {
    let options = PlainOptions::default;
    vec![
        Kind::new(
            "tokens in an object",
            options().tokens_at("data.oauth"),
            "response.tokens_at = 'data.oauth'",
        ),
        Kind::new(
            "tokens of a user next to those of a bot",
            options()
                .tokens_at("authed_user")
                .refresh_tokens_at("")
                .member("ok", true)
                .code_member("team.id", "T1")
                .token_type("user")
                .errors_in_200()
                .error_member("ok", false)
                .error_code("invalid_grant", "invalid_refresh_token"),
            "
            response.tokens_at = 'authed_user'
            response.refresh_tokens_at = ''
            response.token_types = ['user']
            errors.map = [{ error = 'invalid_refresh_token', class = 'terminal' }]
            ",
        )
        .brings(|data| data.get("team.id").is_some_and(|id| id == "T1")),
        Kind::new(
            "other names of members",
            options()
                .member_name("access_token", "accessToken")
                .member_name("refresh_token", "refreshToken")
                .member_name("expires_in", "ttl"),
            "
            response.access_token_field = 'accessToken'
            response.refresh_token_field = 'refreshToken'
            response.expiry_field = 'ttl'
            ",
        ),
        Kind::new(
            "an expiry in milliseconds",
            options().expiry_unit(ExpiryUnit::Milliseconds),
            "response.expiry = 'milliseconds'",
        ),
        Kind::new(
            "an expiry by the clock",
            options()
                .expiry_unit(ExpiryUnit::EpochSeconds)
                .member_name("expires_in", "expires_at"),
            "
            response.expiry = 'epoch_seconds'
            response.expiry_field = 'expires_at'
            ",
        ),
        Kind::new("no expiry", options().omit_expires_in(), "").without_expiry(),
        Kind::new(
            "no expiry, and a known life",
            options().omit_expires_in(),
            "response.lifetime_when_absent = 3600",
        ),
        Kind::new(
            "form-encoded answers",
            options().answer_format(AnswerFormat::Form),
            "",
        ),
        Kind::new(
            "JSON only if it is accepted",
            options()
                .answer_format(AnswerFormat::Negotiated)
                .tokens_at("data"),
            "response.tokens_at = 'data'",
        ),
        Kind::new("a list of scopes", options().scope_list(), ""),
        Kind::new("answers in gzip", options().gzip_answers(), ""),
        Kind::new(
            "refresh tokens that stay",
            options()
                .omit_refresh_token()
                .access_token_dies_at_refresh(),
            "",
        ),
        Kind::new(
            "a refresh that may come too early",
            options().refresh_not_before(Duration::from_secs(30)),
            "",
        ),
    ]
}
