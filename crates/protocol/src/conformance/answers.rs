//! Rules: responses of the token endpoint.

use serde_json::{Map, Value, json};

use super::{
    subject::{ACCESS, REFRESH, Subject},
    violation::{Violation, ensure},
};
use crate::{
    classification::MAX_TOKEN_RESPONSE,
    grant::GrantType,
    refusal::{Class, Refusal},
    secret::RefreshToken,
    token_set::TokenSet,
};

/// The tokens of a response are taken unchanged.
pub fn tokens_are_read(subject: &Subject) -> Result<(), Violation> {
    for grant_type in [GrantType::AuthorizationCode, GrantType::RefreshToken] {
        let body = answer(subject, grant_type, Some(json!(REFRESH)));
        match read(subject, grant_type, 200, &body) {
            Ok(tokens) => {
                ensure!(
                    tokens.access_token.expose() == ACCESS,
                    "the access token is another one"
                );
                let refresh = tokens.refresh_token.as_ref().map(RefreshToken::expose);
                ensure!(
                    refresh == Some(REFRESH),
                    "the refresh token is lost or another one"
                );
            }
            Err(refusal) => return Err(Violation::new(format!("tokens are refused: {refusal}"))),
        }
    }
    Ok(())
}

/// `null`, `""` and an absent field are no refresh token: they must not replace the current one.
pub fn an_empty_or_null_refresh_token_is_none(subject: &Subject) -> Result<(), Violation> {
    for refresh_token in [Some(Value::Null), Some(json!("")), None] {
        let body = answer(subject, GrantType::RefreshToken, refresh_token);
        let tokens = read(subject, GrantType::RefreshToken, 200, &body);
        let none = tokens.is_ok_and(|tokens| tokens.refresh_token.is_none());
        ensure!(none, "{body} is not a response without a refresh token");
    }
    Ok(())
}

/// A success without readable tokens is a refusal that does not end the account: the token may have
/// been redeemed.
pub fn an_unreadable_response_decides_nothing(subject: &Subject) -> Result<(), Violation> {
    let long = format!("{{\"padding\":\"{}\"}}", "x".repeat(MAX_TOKEN_RESPONSE));
    let whole = answer(subject, GrantType::RefreshToken, None);
    for body in ["", "{}", "[]", "<html></html>", &whole[..20], &long] {
        let shown: String = body.chars().take(40).collect();
        match read(subject, GrantType::RefreshToken, 200, body) {
            Ok(_) => return Err(Violation::new(format!("tokens are made of {shown:?}"))),
            Err(refusal) => ensure!(is_undecided(refusal.class), "{shown:?} is {refusal:?}"),
        }
    }
    Ok(())
}

/// Tokens next to an error status or in a redirect are not taken.
pub fn tokens_with_an_error_status_are_refused(subject: &Subject) -> Result<(), Violation> {
    let body = answer(subject, GrantType::RefreshToken, None);
    for status in [302, 400, 401, 403, 404, 429, 500, 503] {
        let read = read(subject, GrantType::RefreshToken, status, &body);
        ensure!(read.is_err(), "tokens are taken out of a {status}");
    }
    Ok(())
}

/// A rate limit, a server error and a redirect to a login page end no account.
pub fn a_busy_endpoint_ends_no_account(subject: &Subject) -> Result<(), Violation> {
    for status in [302, 429, 500, 502, 503, 504] {
        let refusal = read(subject, GrantType::RefreshToken, status, "");
        let terminal = refusal.is_err_and(|refusal| refusal.class == Class::Terminal);
        ensure!(!terminal, "a {status} ends the account");
    }
    let limited = read(subject, GrantType::RefreshToken, 429, "");
    let transient =
        matches!(&limited, Err(refusal) if matches!(refusal.class, Class::Transient { .. }));
    ensure!(transient, "a 429 is {limited:?}");
    Ok(())
}

/// A refusal shows no text of the response, which may quote the request.
pub fn a_refusal_shows_no_text_of_the_response(subject: &Subject) -> Result<(), Violation> {
    let body = format!(
        r#"{{"error":"invalid_grant","error_description":"of {REFRESH}","message":"{REFRESH}"}}"#
    );
    for status in [200, 400, 401, 500] {
        if let Err(refusal) = read(subject, GrantType::RefreshToken, status, &body) {
            let shown = format!("{refusal} {refusal:?}");
            ensure!(
                !shown.contains(REFRESH),
                "a refusal shows the text of the response"
            );
        }
    }
    Ok(())
}

/// Makes a response with tokens, at the paths of the provider's dialect.
fn answer(subject: &Subject, grant_type: GrantType, refresh_token: Option<Value>) -> String {
    let rules = &subject.provider().client().dialect().response;
    let mut tokens = Value::Object(Map::new());
    put(&mut tokens, &rules.access_token_field, json!(ACCESS));
    if let Some(refresh_token) = refresh_token {
        put(&mut tokens, &rules.refresh_token_field, refresh_token);
    }
    let mut whole = match rules.tokens_at(grant_type) {
        "" => return tokens.to_string(),
        _ => Value::Object(Map::new()),
    };
    put(&mut whole, rules.tokens_at(grant_type), tokens);
    whole.to_string()
}

/// Puts a member at a path, whose names have dots between them.
fn put(object: &mut Value, path: &str, member: Value) {
    match path.split_once('.') {
        None => object[path] = member,
        Some((first, rest)) => {
            let nested = &mut object[first];
            if nested.is_null() {
                *nested = Value::Object(Map::new());
            }
            put(nested, rest, member);
        }
    }
}

fn is_undecided(class: Class) -> bool {
    matches!(
        class,
        Class::Ambiguous | Class::Transient { .. } | Class::Unexplained
    )
}

fn read(
    subject: &Subject,
    grant_type: GrantType,
    status: u16,
    body: &str,
) -> Result<TokenSet, Refusal> {
    subject.read_token_response(grant_type, status, body)
}
