//! Responses with tokens, and the oddities that are tolerated.

use std::time::{Duration, SystemTime};

use tokenkeeper_protocol::{
    Class, Client, Expiry, GrantType, Json, MAX_TOKEN_RESPONSE, Provider, Refusal, TokenSet,
};

use crate::support::*;

fn read(client: &Client, body: &str) -> Result<TokenSet, Refusal> {
    client.read_token_response(
        GrantType::RefreshToken,
        &response(200, &[], body.to_owned()),
        sent_at(),
    )
}

fn tokens(body: &str) -> TokenSet {
    read(&client(), body).unwrap()
}

fn expiry(client: &Client, value: &str) -> (Option<SystemTime>, TokenSet) {
    let set = read(
        client,
        &format!(r#"{{"access_token":"a","expires_in":{value}}}"#),
    )
    .unwrap();
    (set.expires_at, set)
}

fn after(seconds: u64) -> Option<SystemTime> {
    Some(sent_at() + Duration::from_secs(seconds))
}

#[test]
fn all_fields_are_read_and_unknown_ones_kept() {
    let set = tokens(
        r#"{"access_token":"a","token_type":"bearer","expires_in":3600,"refresh_token":"r",
            "refresh_in":1800,
            "scope":"x y","id_token":"i"}"#,
    );
    assert_eq!(set.access_token.expose(), "a");
    assert_eq!(set.refresh_token.as_ref().unwrap().expose(), "r");
    assert_eq!(set.token_type.as_deref(), Some("bearer"));
    assert_eq!(set.scope.as_deref(), Some("x y"));
    assert_eq!((set.issued_at, set.expires_at), (sent_at(), after(3600)));
    assert_eq!(set.refresh_at, after(1800));
    assert_eq!(set.extra.keys().collect::<Vec<_>>(), ["id_token"]);
}

#[test]
fn f12_a_string_and_a_float_are_numbers_too() {
    for value in ["3600", "\"3600\"", "3600.0", "\" 3600 \"", "\"3.6e3\""] {
        let (expires_at, set) = expiry(&client(), value);
        assert_eq!(expires_at, after(3600), "{value}");
        assert!(set.extra.is_empty());
    }
}

#[test]
fn f12_zero_and_less_mean_expired() {
    for value in ["0", "-1", "\"0\"", "-1e99"] {
        assert_eq!(expiry(&client(), value).0, after(0), "{value}");
    }
}

#[test]
fn f12_a_year_in_seconds_does_not_overflow() {
    assert_eq!(expiry(&client(), "31536000").0, after(31_536_000));
}

#[test]
fn f12_a_senseless_expiry_is_kept_and_costs_no_token() {
    for value in [
        "1e99",
        "1e999",
        "\"abc\"",
        "\"inf\"",
        "\"NaN\"",
        "true",
        "[1]",
        "300000000000",
    ] {
        let (expires_at, set) = expiry(&client(), value);
        assert_eq!(expires_at, None, "{value}");
        assert_eq!(set.access_token.expose(), "a");
        assert!(set.extra.contains_key("expires_in"), "{value}");
    }
}

#[test]
fn f12_a_missing_expiry_is_unknown() {
    assert_eq!(tokens(r#"{"access_token":"a"}"#).expires_at, None);
    let (expires_at, set) = expiry(&client(), "null");
    assert_eq!((expires_at, set.extra.len()), (None, 0));
}

#[test]
fn i13_the_dialect_sets_the_unit_of_the_expiry() {
    let unit = |unit| with(|d| d.response.expiry = unit);
    assert_eq!(
        expiry(&unit(Expiry::Milliseconds), "3600000").0,
        after(3600)
    );
    assert_eq!(
        expiry(&unit(Expiry::EpochSeconds), "1700003600").0,
        after(3600)
    );
    assert_eq!(
        expiry(&unit(Expiry::EpochMilliseconds), "\"1700003600000\"").0,
        after(3600)
    );
}

/// Returns the expiry of a token whose response has this `Date`.
fn expiry_by_date(unit: Expiry, expires: &str, date: Option<&str>) -> Option<SystemTime> {
    let headers: Vec<_> = date.map(|date| ("date", date)).into_iter().collect();
    let body = format!(r#"{{"access_token":"a","expires_in":{expires}}}"#);
    let tokens = with(|d| d.response.expiry = unit).read_token_response(
        GrantType::RefreshToken,
        &response(200, &headers, body),
        sent_at(),
    );
    tokens.unwrap().expires_at
}

// `sent_at` is 22:13:20.
const SAME: &str = "Tue, 14 Nov 2023 22:13:20 GMT";
const TWO_HOURS_AHEAD: &str = "Wed, 15 Nov 2023 00:13:20 GMT";
const TWO_HOURS_BEHIND: &str = "Tue, 14 Nov 2023 20:13:20 GMT";

#[test]
fn an_absolute_time_is_corrected_by_the_servers_date() {
    for (date, expires) in [
        (SAME, 1_700_003_600_u64),
        (TWO_HOURS_AHEAD, 1_700_003_600 + 7200),
        // In the past by our clock.
        (TWO_HOURS_BEHIND, 1_700_003_600 - 7200),
    ] {
        let seconds = expires.to_string();
        let at = expiry_by_date(Expiry::EpochSeconds, &seconds, Some(date));
        assert_eq!(at, after(3600), "{date}");
        let milliseconds = format!("\"{expires}000\"");
        let at = expiry_by_date(Expiry::EpochMilliseconds, &milliseconds, Some(date));
        assert_eq!(at, after(3600), "{date}");
    }
    let expired = expiry_by_date(Expiry::EpochSeconds, "1700003600", Some(TWO_HOURS_AHEAD));
    assert_eq!(expired, after(0), "expired by the server's own clock");
}

#[test]
fn an_absolute_time_without_a_date_is_not_corrected() {
    for date in [None, Some("yesterday"), Some(""), Some("1700000000")] {
        for expires in [1_700_003_600, 1_699_996_400] {
            let at = expiry_by_date(Expiry::EpochSeconds, &expires.to_string(), date);
            let plain = SystemTime::UNIX_EPOCH + Duration::from_secs(expires);
            assert_eq!(at, Some(plain), "{date:?}");
        }
    }
}

#[test]
fn a_relative_time_does_not_depend_on_the_servers_date() {
    for date in [SAME, TWO_HOURS_AHEAD, TWO_HOURS_BEHIND] {
        let at = expiry_by_date(Expiry::Seconds, "3600", Some(date));
        assert_eq!(at, after(3600), "{date}");
        let at = expiry_by_date(Expiry::Milliseconds, "3600000", Some(date));
        assert_eq!(at, after(3600), "{date}");
    }
}

#[test]
fn an_absurd_date_costs_no_token() {
    let first = "Thu, 01 Jan 1970 00:00:00 GMT";
    let at = expiry_by_date(Expiry::EpochSeconds, "253402300799", Some(first));
    assert_eq!(at, None, "past the year 9999 by our clock");
    let at = expiry_by_date(Expiry::EpochSeconds, "300000000000", Some(SAME));
    assert_eq!(at, None);
    let last = "Fri, 31 Dec 9999 23:59:59 GMT";
    let at = expiry_by_date(Expiry::EpochSeconds, "1700003600", Some(last));
    assert_eq!(at, after(0));
}

#[test]
fn f12_an_absolute_time_of_zero_means_expired() {
    let epoch = with(|d| d.response.expiry = Expiry::EpochSeconds);
    assert_eq!(expiry(&epoch, "0").0, after(0));
}

#[test]
fn an_absent_null_or_empty_refresh_token_is_none() {
    for body in [
        r#"{"access_token":"a"}"#,
        r#"{"access_token":"a","refresh_token":null}"#,
        r#"{"access_token":"a","refresh_token":""}"#,
    ] {
        let set = tokens(body);
        assert_eq!(set.refresh_token, None, "{body}");
        assert!(set.extra.is_empty(), "{body}");
    }
}

#[test]
fn a_missing_token_type_is_not_an_error() {
    assert_eq!(tokens(r#"{"access_token":"a"}"#).token_type, None);
}

#[test]
fn a_wrong_content_type_is_not_an_error() {
    let html = response(
        200,
        &[("content-type", "text/html")],
        r#"{"access_token":"a"}"#,
    );
    assert!(
        client()
            .read_token_response(GrantType::AuthorizationCode, &html, sent_at())
            .is_ok()
    );
}

#[test]
fn a_byte_order_mark_costs_no_token() {
    assert_eq!(
        tokens("\u{feff}{\"access_token\":\"a\"}")
            .access_token
            .expose(),
        "a"
    );
}

#[test]
fn an_unreadable_response_is_ambiguous() {
    let unreadable: [&[u8]; 9] = [
        b"",
        b"{\"access_token\":\"SECR",
        b"{\"access_token\":\"\xff\"}",
        b"<html>SECRET</html>",
        b"[]",
        b"{}",
        b"{\"access_token\":\"\"}",
        b"{\"access_token\":7}",
        b"{\"access_token\":null,\"note\":\"SECRET\"}",
    ];
    for body in unreadable {
        let response = response(200, &[], body);
        let refusal = client()
            .read_token_response(GrantType::RefreshToken, &response, sent_at())
            .unwrap_err();
        assert_eq!(refusal.class, Class::Ambiguous);
        assert!(!format!("{refusal} {refusal:?}").contains("SECR"));
    }
}

#[test]
fn an_oversized_body_is_ambiguous() {
    let body = format!(
        r#"{{"access_token":"a","x":"{}"}}"#,
        "x".repeat(10 * 1024 * 1024)
    );
    assert_eq!(read(&client(), &body).unwrap_err().class, Class::Ambiguous);
    let head = r#"{"access_token":"a","x":""}"#.len();
    let full = format!(
        r#"{{"access_token":"a","x":"{}"}}"#,
        "x".repeat(MAX_TOKEN_RESPONSE - head)
    );
    assert!(read(&client(), &full).is_ok());
}

#[test]
fn deep_nesting_next_to_a_token_does_not_cost_it() {
    let deep = format!(
        r#"{{"access_token":"a","x":{}{}}}"#,
        "[".repeat(5000),
        "]".repeat(5000)
    );
    assert_eq!(tokens(&deep).access_token.expose(), "a");
}

#[test]
fn a_token_with_a_line_break_never_reaches_a_header() {
    let set = tokens(r#"{"access_token":"a\r\nx: y","refresh_token":"r"}"#);
    assert!(set.refresh_token.is_some());
    assert!(client().attach(&set.access_token, None).is_err());
}

#[test]
fn tokens_next_to_an_error_are_taken() {
    assert!(read(&client(), r#"{"access_token":"a","error":"odd"}"#).is_ok());
}

#[test]
fn q9_malformed_loose_json_is_refused_without_showing_it() {
    let client = with(|d| d.response.json = Json::Loose);
    for body in [
        "{access_token: \"SECRET\"",
        "{access_token: \"SECRET\", access_token: \"b\"}",
        "{access_token: {token: \"SECRET\"}}",
        "{access_token: \"SECRET\"} x",
    ] {
        let refusal = read(&client, body).unwrap_err();
        assert_eq!(refusal.class, Class::Ambiguous, "{body}");
        assert!(!format!("{refusal} {refusal:?}").contains("SECRET"));
    }
}

#[test]
fn a_token_set_survives_serialization() {
    let set = tokens(
        r#"{"access_token":"a","refresh_token":"r","expires_in":60,"scope":"s","id_token":"i"}"#,
    );
    let text = serde_json::to_string(&set).unwrap();
    assert!(text.contains("\"issued_at\":1700000000000"), "{text}");
    assert!(text.contains("\"expires_at\":1700000060000"), "{text}");
    assert_eq!(serde_json::from_str::<TokenSet>(&text).unwrap(), set);
    let bare = TokenSet::new("a").with_issued_at(sent_at());
    let text = serde_json::to_string(&bare).unwrap();
    assert_eq!(text, r#"{"access_token":"a","issued_at":1700000000000}"#);
    assert_eq!(serde_json::from_str::<TokenSet>(&text).unwrap(), bare);
}
