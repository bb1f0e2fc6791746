//! Dialects as JSON.

use tokenkeeper_protocol::{Dialect, Error};

use crate::support::*;

#[test]
fn minimal_json_is_the_plain_dialect() {
    let mut plain = dialect();
    (plain.device, plain.revocation, plain.introspection) = (None, None, None);
    let json = r#"{
        "brand": "example",
        "base": "https://login.example",
        "authorization": { "endpoint": "/authorize" },
        "token": { "endpoint": "/token" }
    }"#;
    assert_eq!(Dialect::from_json(json).unwrap(), plain);
}

#[test]
fn a_dialect_survives_json() {
    let json = serde_json::to_string_pretty(&dialect()).unwrap();
    assert_eq!(Dialect::from_json(&json).unwrap(), dialect());
}

#[test]
fn json_errors_name_line_and_column_once() {
    let text = "{\n  \"brand\": \"x\",\n  \"surprise\": 1\n}";
    let error = Dialect::from_json(text).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "the dialect's JSON text is wrong at line 3, column 12: unknown field `surprise`"
        ),
        "{error}"
    );
    assert_eq!(error.matches("line").count(), 1, "{error}");
}

#[test]
fn invalid_json_is_refused_with_its_line() {
    assert!(matches!(
        Dialect::from_json("{"),
        Err(Error::DialectText { line: 1, .. })
    ));
}
