//! Values of placeholders that are the same at every site.

use tokenkeeper_protocol::Registration;

use super::*;

fn registration() -> Registration {
    Registration::new("id", CALLBACK).secret("s")
}

#[test]
fn a_value_is_the_registrations_or_the_default() {
    let lines = "authorization.endpoint = \"/{tenant}/authorize\"\n\
                 values = { tenant = { pattern = \"word\", default = \"common\" } }";
    let text = format!("brand = \"example\"\nbase = \"https://login.example\"\n{lines}\n");
    let text = text + "authorization.pkce = \"off\"\ntoken.endpoint = \"/{tenant}/token\"\n";
    let dialect = Dialect::from_toml(&text).unwrap();
    let common = dialect.clone().with(registration()).unwrap();
    assert!(exchange(&common, None).starts_with("POST https://login.example/common/token\n"));
    let own = dialect
        .with(registration().value("tenant", "Acme_1"))
        .unwrap();
    assert!(exchange(&own, None).starts_with("POST https://login.example/Acme_1/token\n"));
    assert!(authorization(&own, None).starts_with("https://login.example/Acme_1/authorize?"));
}

#[test]
fn a_value_without_a_source_is_refused() {
    let lines = "token.fixed = { tenant = \"{tenant}\" }\n\
                 values = { tenant = { pattern = \"word\" } }";
    let refused = read(lines).unwrap().with(registration()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`example` requires the value `tenant`: add it with `Registration::value`"
    );
}

#[test]
fn a_value_that_the_dialect_does_not_declare_is_refused() {
    let refused = read("").unwrap().with(registration().value("tenant", "a"));
    assert!(matches!(refused, Err(Error::Value { .. })), "{refused:?}");
}

#[test]
fn a_value_in_a_url_is_encoded_and_cannot_leave_its_place() {
    let lines = "token.refresh_endpoint = \"/r?key={key}&client={client_id}\"\n\
                 values = { key = { pattern = \"text\" } }";
    let registration = Registration::new("i d", CALLBACK).secret("s");
    let client = with(lines, registration.value("key", "a&b=#/"));
    let request = refresh(&client, None);
    let line = "POST https://login.example/r?key=a%26b%3D%23%2F&client=i%20d\n";
    assert!(request.starts_with(line), "{request}");
}

#[test]
fn each_pattern_takes_its_own_characters() {
    for (pattern, good, bad) in [
        (
            "\"label\"",
            &["a", "A-1", "xn--a"][..],
            &["", "a.b", "a_b", "-a", "a-", "a/b", "é", "a b"][..],
        ),
        (
            "\"host\"",
            &["a", "a.B-c.d"],
            &["", ".a", "a.", "a..b", "a/b", "a:1", "a@b", "-.a"],
        ),
        ("\"word\"", &["a_B-1"], &["", "a.b", "a/b", "a b", "é"]),
        ("\"digits\"", &["0123"], &["", "1a", "-1", "1.0", "١"]),
        ("\"text\"", &["a/?#&=%{}"], &["", "a b", "a\n", "é"]),
        (
            "{ one_of = [\"a/b\", \"c\"] }",
            &["a/b", "c"],
            &["", "C", "a", "b"],
        ),
    ] {
        let lines = format!(
            "token.fixed = {{ v = \"{{v}}\" }}\nvalues = {{ v = {{ pattern = {pattern} }} }}"
        );
        let take = |value: &str| read(&lines).unwrap().with(registration().value("v", value));
        for value in good {
            assert!(take(value).is_ok(), "{pattern}: {value:?}");
        }
        for value in bad {
            let refused = take(value);
            assert!(
                matches!(refused, Err(Error::Value { .. })),
                "{pattern}: {value:?}"
            );
        }
    }
}

#[test]
fn debug_shows_no_value_of_a_registration() {
    let lines = "token.fixed = { key = \"{key}\" }\nvalues = { key = { pattern = \"text\" } }";
    let client = with(lines, registration().value("key", "SECRET"));
    assert!(!format!("{client:?}").contains("SECRET"));
    let refused = read(lines)
        .unwrap()
        .with(registration().value("key", "SEC RET"));
    assert!(!format!("{refused:?}").contains("SEC RET"));
}

#[test]
fn values_change_the_configuration_and_defaults_do_not() {
    let digest = |client: &Client| client.configuration_digest();
    // An upgrade alone changes no digest: this is that of version 0.1.0.
    let hex: String = digest(&client(""))
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(hex, PLAIN);
    let lines = "token.fixed = { key = \"{key}\" }\nvalues = { key = { pattern = \"text\" } }";
    let with_key = |key: &str| digest(&with(lines, registration().value("key", key)));
    assert_ne!(with_key("a"), with_key("b"));
    let site = |form: &str| {
        let lines = format!("site = \"{form}\"\nvalues = {{ a = {{ pattern = \"label\" }} }}");
        digest(&client(&lines))
    };
    assert_ne!(
        site("https://{a}.example.com"),
        site("https://{a}.example.org")
    );
    for line in [
        "token.refresh_endpoint = \"/r\"",
        "token.placement = \"json\"",
        "token.client_authentication = \"basic_unencoded\"",
        "token.refresh_client_authentication = \"basic_unencoded\"",
        "token.fixed = { a = \"1\" }",
        "token.headers = { a = \"1\" }",
        // What a hint asks for makes the refused accounts try again.
        "errors.map = [{ error = \"odd\", class = \"transient\" }]",
        "errors.code = [\"errorCode\"]",
    ] {
        assert_ne!(digest(&client(line)), digest(&client("")), "{line}");
    }
}

#[test]
fn rules_for_errors_change_the_configuration() {
    let digest = |lines: &str| client(lines).configuration_digest();
    let map = |class: &str| format!("errors.map = [{{ error = \"odd\", class = \"{class}\" }}]");
    assert_ne!(digest(&map("terminal")), digest(&map("transient")));
    let with_text = map("terminal") + "\nerrors.text = [\"message\"]";
    assert_ne!(digest(&with_text), digest(&map("terminal")));
    // Without a rule, no text is searched.
    assert_eq!(digest("errors.text = [\"message\"]"), digest(""));
}

const PLAIN: &str = "2d05077c6ac629aee5aaf77990928aa3b232b4d53991ac79a4401bb69ef04cf1";
