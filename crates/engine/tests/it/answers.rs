//! What real token endpoints answer: no token is lost, and none is presented for nothing.

use std::{error::Error as _, io::Write as _};

use bytes::Bytes;
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use http::{Response, header::CONTENT_ENCODING};
use tokenkeeper_emulator::{Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{
    Account, Error,
    protocol::{ClassName, ClientAuthentication, Dialect, ErrorRule},
};

use crate::harness::{HOUR, MINUTE, World, cause, connection, login};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const TOKENS: &str = r#"{"access_token":"at-9","refresh_token":"rt-9","expires_in":3600}"#;

fn answer(status: u16, content_type: &str, body: impl Into<Bytes>) -> Response<Bytes> {
    let response = Response::builder()
        .status(status)
        .header("content-type", content_type);
    response.body(body.into()).unwrap()
}

/// Makes a plain provider whose account is due, and whose token endpoint answers this from now on.
async fn world_with(
    change: impl FnOnce(&mut Dialect),
    answer: Response<Bytes>,
) -> (World, Account) {
    let (world, account) = World::plain_with(change).expired().await;
    let answer = EndpointFault::Answer(answer);
    world.emulator.faults().always(Endpoint::Token, answer);
    (world, account)
}

/// Checks that the tokens of this answer are served and stored after one presentation.
async fn is_read(answer: Response<Bytes>) {
    let shown = format!("{answer:?}");
    let (world, account) = world_with(|_| (), answer).await;
    assert_eq!(account.token().await.unwrap().expose(), "at-9", "{shown}");
    assert_eq!(world.token_requests(), 1, "{shown}");
    let record = world.store.record(&account.key()).await;
    let stored = &record["state"]["live"]["tokens"]["tokens"]["refresh_token"];
    assert_eq!(stored, "rt-9", "{shown}");
}

#[tokio::test(start_paused = true)]
async fn odd_members_next_to_tokens_cost_nothing() {
    for member in [
        &b"\"name\":\"Jos\xe9\""[..],
        b"\"x\":1e999",
        br#""x":"\ud800""#,
        b"\"x\":\"a\nb\"",
        br#""x":1,"x":2"#,
    ] {
        let body = [b"{", member, b",", &TOKENS.as_bytes()[1..]].concat();
        is_read(answer(200, JSON, body)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_form_with_tokens_is_read() {
    let body = "access_token=at-9&expires_in=28800&refresh_token=rt-9";
    is_read(answer(200, FORM, body)).await;
    is_read(answer(200, "text/plain; charset=utf-8", body)).await;
}

#[tokio::test(start_paused = true)]
async fn compressed_tokens_are_read() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(TOKENS.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(TOKENS.as_bytes()).unwrap();
    for (encoding, body) in [
        ("gzip", gzip.clone()),
        ("x-gzip", gzip),
        ("deflate", deflate.finish().unwrap()),
    ] {
        let mut answer = answer(200, JSON, body);
        let headers = answer.headers_mut();
        headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        is_read(answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_compression_is_named_in_the_error() {
    let mut brotli = answer(200, JSON, &b"\x0b\x02\x80{}\x03"[..]);
    let headers = brotli.headers_mut();
    headers.insert(CONTENT_ENCODING, "br".parse().unwrap());
    let (_world, account) = world_with(|_| (), brotli).await;
    let error = account.token().await.unwrap_err();
    assert!(chain(&error).contains("compressed"), "{}", chain(&error));
}

/// Returns the texts of an error and its sources.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

/// Asks for a token every minute for four hours. Returns how often the refresh token was presented.
async fn presentations(world: &World, account: &Account) -> u64 {
    for _ in 0..240 {
        account.token().await.unwrap_err();
        world.advance(MINUTE).await;
    }
    world.token_requests()
}

/// Refusals whose code was invisible once, and that code.
fn refusals() -> [(Response<Bytes>, &'static str); 5] {
    let nested = r#"{"error":{"message":"…","param":null,"code":"refresh_token_reused"}}"#;
    let in_success = r#"{"error":"bad_refresh_token","error_description":"…"}"#;
    [
        (answer(401, JSON, nested), "refresh_token_reused"),
        (answer(200, JSON, in_success), "bad_refresh_token"),
        (answer(400, JSON, r#"{"code":20037,"msg":"…"}"#), "20037"),
        (
            answer(200, FORM, "error=bad_refresh_token"),
            "bad_refresh_token",
        ),
        (
            answer(400, JSON, r#"{"error":"unauthorized_client"}"#),
            "unauthorized_client",
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_code_that_the_dialect_names_ends_the_account_at_once() {
    for (answer, code) in refusals() {
        let rule = ErrorRule::new(code, ClassName::Terminal);
        let (world, account) = world_with(|d| d.errors.map = vec![rule], answer).await;
        let error = account.token().await.unwrap_err();
        assert!(cause(&error).to_string().contains(code), "{code}: {error}");
        assert_eq!(presentations(&world, &account).await, 1, "{code}");
    }
    let empty = answer(400, JSON, "");
    let rule = ErrorRule::without_code(400, ClassName::Terminal);
    let (world, account) = world_with(|d| d.errors.map = vec![rule], empty).await;
    assert_eq!(presentations(&world, &account).await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_unlisted_code_is_unexplained_and_leads_to_the_map() {
    for (answer, code) in refusals() {
        let (world, account) = world_with(|_| (), answer).await;
        let error = account.token().await.unwrap_err();
        if code == "unauthorized_client" {
            assert!(connection(&account).await.misconfigured);
        } else {
            assert!(connection(&account).await.refused_since.is_some(), "{code}");
            assert!(chain(&error).contains("`errors.map`"), "{}", chain(&error));
        }
        let presentations = presentations(&world, &account).await;
        // An ambiguous answer is presented twice as often.
        assert!(presentations < 25, "{code}: {presentations}");
        // The account recovers when the provider does.
        world.emulator.faults().clear_all();
        world.advance(HOUR).await;
        account.token().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_leads_to_its_authentication() {
    let refusal = || answer(401, JSON, r#"{"error":"invalid_client"}"#);
    for (change, helps) in [
        (
            ClientAuthentication::Basic,
            "`token.refresh_client_authentication = \"parameters\"`",
        ),
        (
            ClientAuthentication::Parameters,
            "`token.refresh_client_authentication = \"basic\"`",
        ),
    ] {
        let change = |dialect: &mut Dialect| dialect.token.client_authentication = change;
        let (world, account) = world_with(change, refusal()).await;
        let error = account.token().await.unwrap_err();
        assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
        assert!(chain(&error).contains(helps), "{}", chain(&error));
        assert_eq!(error.error_code().unwrap().as_str(), Some("invalid_client"));
        assert_eq!(world.token_requests(), 1);
    }
    // At a login too.
    let world = World::plain();
    let answer = EndpointFault::Answer(refusal());
    world.emulator.faults().once(Endpoint::Token, answer);
    let error = login(&world.emulator, &world.account()).await.unwrap_err();
    let text = chain(&error);
    assert!(
        text.contains("`token.client_authentication = \"parameters\"`"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_class_of_a_refusal_in_a_2xx_is_that_of_its_code() {
    let gone = answer(200, JSON, r#"{"error":"invalid_grant"}"#);
    let (world, account) = world_with(|_| (), gone).await;
    cause(&account.token().await.unwrap_err());
    assert_eq!(presentations(&world, &account).await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_odd_token_makes_the_answer_unreadable() {
    for body in [
        r#"{"access_token":"a","access_token":"b"}"#,
        r#"{"access_token":1e999}"#,
        r#"{"access_token":"\ud800"}"#,
        r#"{"access_token":["a"]}"#,
    ] {
        let (world, account) = world_with(|_| (), answer(200, JSON, body)).await;
        let error = account.token().await.unwrap_err();
        let text = chain(&error);
        assert!(
            text.contains("no readable response (200, application/json"),
            "{text}"
        );
        // Ambiguous: it was presented again at once, and the account is as it was.
        assert!(world.token_requests() >= 1);
        world.emulator.faults().clear_all();
        world.advance(HOUR).await;
        account.token().await.unwrap();
    }
}
