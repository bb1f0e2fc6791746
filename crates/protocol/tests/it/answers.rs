//! What the tests of token responses share.

use std::time::{Duration, SystemTime};

use tokenkeeper_protocol::{Client, GrantType, Provider, RefreshToken, Refusal, TokenSet};

use crate::support::*;

pub const FORM: (&str, &str) = (
    "content-type",
    "application/x-www-form-urlencoded; charset=utf-8",
);

pub fn read_as(
    client: &Client,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
) -> Result<TokenSet, Refusal> {
    let response = response(200, headers, body.into());
    client.read_token_response(GrantType::RefreshToken, &response, sent_at())
}

pub fn tokens(body: impl Into<Vec<u8>>) -> TokenSet {
    read_as(&client(), &[], body).unwrap()
}

pub fn refresh(tokens: &TokenSet) -> Option<&str> {
    tokens.refresh_token.as_ref().map(RefreshToken::expose)
}

pub fn after(seconds: u64) -> Option<SystemTime> {
    Some(sent_at() + Duration::from_secs(seconds))
}
