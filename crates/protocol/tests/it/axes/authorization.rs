//! The authorization URL.

use tokenkeeper_protocol::{Error, Registration};

use super::*;

const STANDARD: &str = "https://login.example/authorize?response_type=code&client_id=id\
                        &redirect_uri=https%3A%2F%2Fapp.example%2Fcb";

#[test]
fn fixed_parameters_follow_the_others() {
    let client = client(
        "authorization.fixed = { prompt = \"consent\", access_type = \"offline\" }\n\
         authorization.scope = \"a\"",
    );
    assert_eq!(
        authorization(&client, None),
        format!("{STANDARD}&scope=a&state=st-1&access_type=offline&prompt=consent")
    );
}

#[test]
fn an_extra_parameter_replaces_a_fixed_one() {
    let client = client("authorization.fixed = { prompt = \"consent\", resource = \"r\" }");
    let url = try_authorization(&client, None, &[("prompt", "none")]).unwrap();
    assert_eq!(url, format!("{STANDARD}&state=st-1&resource=r&prompt=none"));
}

#[test]
fn parameters_have_the_names_of_the_provider() {
    let client = client(
        "authorization.parameters = [\"client_key: client_id\", \"redirect_uri\", \
         \"response_type\", \"scope\", \"token: state\"]\n\
         authorization.scope = \"a\"",
    );
    assert_eq!(
        authorization(&client, None),
        "https://login.example/authorize?client_key=id\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code&scope=a&token=st-1"
    );
    // Neither the provider's names nor the standard ones can be replaced.
    for name in ["client_key", "client_id", "token", "state"] {
        let refused = try_authorization(&client, None, &[(name, "x")]);
        assert!(
            matches!(refused, Err(Error::ExtraParameter { .. })),
            "{name}"
        );
    }
}

#[test]
fn scopes_have_the_separator_of_the_provider() {
    let lines = "authorization.scope_separator = \",\"\nauthorization.scope = \"a b\"\n\
                 token.refresh = [\"refresh_token\", \"scope\"]";
    let client = client(lines);
    assert_eq!(
        authorization(&client, None),
        format!("{STANDARD}&scope=a%2Cb&state=st-1")
    );
    assert!(refresh(&client, None).ends_with("\n\nrefresh_token=rt%261&scope=a%2Cb"));
}

#[test]
fn further_scopes_are_the_registrations_or_the_dialects() {
    let lines = "authorization.further_scopes = { user_scope = \"chat:write\", bot = \"\" }\n\
                 authorization.scope_separator = \",\"";
    assert_eq!(
        authorization(&client(lines), None),
        format!("{STANDARD}&state=st-1&user_scope=chat%3Awrite")
    );
    let registration = Registration::new("id", CALLBACK)
        .secret("s")
        .further_scope("user_scope", "a b")
        .further_scope("bot", "c");
    let client = with(lines, registration);
    assert_eq!(
        authorization(&client, None),
        format!("{STANDARD}&state=st-1&bot=c&user_scope=a%2Cb")
    );
    let refused = try_authorization(&client, None, &[("user_scope", "x")]);
    assert!(matches!(refused, Err(Error::ExtraParameter { .. })));
}

#[test]
fn a_further_scope_is_one_that_the_provider_has() {
    let registration = || Registration::new("id", CALLBACK).secret("s");
    let lines = "authorization.further_scopes = { user_scope = \"\" }";
    for registration in [
        registration().further_scope("bot_scope", "a"),
        registration().further_scope("user_scope", "a  b"),
    ] {
        let refused = read(lines).unwrap().with(registration);
        assert!(matches!(refused, Err(Error::Scope { .. })), "{refused:?}");
    }
}

#[test]
fn parameters_follow_the_fragment() {
    let lines = "authorization.fragment = \"!/login\"\nauthorization.fixed = { a = \"é #\" }";
    assert_eq!(
        authorization(&client(lines), None),
        "https://login.example/authorize#!/login?response_type=code&client_id=id\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fcb&state=st-1&a=%C3%A9+%23"
    );
}

#[test]
fn the_redirect_uri_has_none_of_the_callbacks_names() {
    let lines = "authorization.callback = { code = \"spapi_oauth_code\" }";
    let dialect = read(lines).unwrap();
    let with = |uri| {
        dialect
            .clone()
            .with(Registration::new("id", uri).secret("s"))
    };
    assert!(with("https://app.example/cb?code=1").is_ok());
    let refused = with("https://app.example/cb?spapi_oauth_code=1");
    assert!(matches!(refused, Err(Error::RedirectUri { .. })));
}
