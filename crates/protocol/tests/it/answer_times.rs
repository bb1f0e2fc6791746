//! The life of refresh tokens, and of access tokens without an expiry.

use tokenkeeper_protocol::{Expiry, TokenSet};

use crate::{answers::*, support::*};

#[test]
fn the_expiry_of_the_refresh_token_is_read() {
    for name in [
        "refresh_token_expires_in",
        "refresh_expires_in",
        "x_refresh_token_expires_in",
    ] {
        for value in ["8726400", "\"8726400\"", "8726400.0"] {
            let set = tokens(format!(r#"{{"access_token":"a","{name}":{value}}}"#));
            assert_eq!(set.refresh_expires_at, after(8_726_400), "{name} {value}");
            assert!(set.extra.is_empty());
        }
    }
    // Keycloak writes 0 for a token without an end; the rest is senseless.
    for value in ["0", "-1", "\"never\"", "1e99", "null", "[]", "1831536000"] {
        let set = tokens(format!(
            r#"{{"access_token":"a","refresh_expires_in":{value}}}"#
        ));
        assert_eq!(set.refresh_expires_at, None, "{value}");
    }
    let own = with(|d| d.response.refresh_expiry_fields = vec!["rt.life".to_owned()]);
    let body = r#"{"access_token":"a","rt":{"life":60},"refresh_expires_in":90}"#;
    assert_eq!(
        read_as(&own, &[], body).unwrap().refresh_expires_at,
        after(60)
    );
}

#[test]
fn the_dialect_sets_the_unit_of_the_refresh_tokens_expiry() {
    for (unit, value, seconds) in [
        (Expiry::Seconds, 60_u64, Some(60)),
        (Expiry::Milliseconds, 60_000, Some(60)),
        (Expiry::EpochSeconds, 1_700_000_060, Some(60)),
        (Expiry::EpochMilliseconds, 1_700_000_060_000, Some(60)),
        (Expiry::EpochSeconds, 0, None),
        (Expiry::Seconds, 1_831_536_000, None),
        (Expiry::Milliseconds, 1_831_536_000_000, None),
    ] {
        let own = with(|d| d.response.refresh_expiry = unit);
        let body = format!(r#"{{"access_token":"a","refresh_expires_in":{value}}}"#);
        let set = read_as(&own, &[], body).unwrap();
        assert_eq!(
            set.refresh_expires_at,
            seconds.and_then(after),
            "{unit:?} {value}"
        );
    }
}

#[test]
fn a_unit_of_no_field_is_refused() {
    let refused = client().adjust(|d| {
        d.response.refresh_expiry_fields.clear();
        d.response.refresh_expiry = Expiry::EpochSeconds;
    });
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("response.refresh_expiry"), "{error}");
}

/// A time since 1970 in place of a life would keep an expired token for decades.
#[test]
fn a_life_of_more_than_40_years_is_unknown() {
    let read = |value: u64| tokens(format!(r#"{{"access_token":"a","expires_in":{value}}}"#));
    // Some providers issue tokens for 20 years.
    assert_eq!(read(631_138_518).expires_at, after(631_138_518));
    for value in [1_800_000_000, 1_800_000_000_000] {
        let set = read(value);
        assert_eq!(set.expires_at, None, "{value}");
        assert_eq!(set.extra["expires_in"], value);
    }
    let client = with(|d| d.response.lifetime_when_absent = Some(7200));
    let body = r#"{"access_token":"a","expires_in":1800000000}"#;
    assert_eq!(read_as(&client, &[], body).unwrap().expires_at, after(7200));
}

#[test]
fn a_token_set_keeps_the_expiry_of_its_refresh_token() {
    let set = tokens(r#"{"access_token":"a","refresh_expires_in":60}"#);
    let text = serde_json::to_string(&set).unwrap();
    assert!(
        text.contains("\"refresh_expires_at\":1700000060000"),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<TokenSet>(&text).unwrap(), set);
    let same = TokenSet::new("a").with_issued_at(sent_at());
    assert_eq!(same.with_refresh_expires_at(after(60).unwrap()), set);
}

#[test]
fn a_dialect_states_the_life_of_a_token_without_an_expiry() {
    let client = with(|d| d.response.lifetime_when_absent = Some(7200));
    for (expiry, seconds) in [
        ("", 7200),
        (r#","expires_in":null"#, 7200),
        (r#","expires_in":"soon""#, 7200),
        (r#","expires_in":60"#, 60),
        (r#","expires_in":0"#, 0),
    ] {
        let body = format!(r#"{{"access_token":"a"{expiry}}}"#);
        let set = read_as(&client, &[], body).unwrap();
        assert_eq!(set.expires_at, after(seconds), "{expiry}");
    }
}
