//! Redirects: what is taken, and what is refused.

use tokenkeeper_protocol::{
    AuthorizationResponse, Client, ErrorCode, ExpectedRedirect, Provider, Redirect, RedirectError,
    RedirectRule, ResponseMode, StateEcho, StatePlace,
};

use crate::support::*;

fn read(client: &Client, redirect: Redirect) -> Result<AuthorizationResponse, RedirectError> {
    client.read_redirect(&redirect, &ExpectedRedirect { state: &state() })
}

fn query(client: &Client, query: &str) -> Result<AuthorizationResponse, RedirectError> {
    read(client, Redirect::query(query))
}

fn flow_in_redirect_uri() -> Client {
    with(|d| {
        d.authorization.state = StatePlace::RedirectUri("flow".to_owned());
        d.authorization.redirect_rule = RedirectRule::ExtraQuery;
    })
}

fn fragment() -> Client {
    with(|d| {
        d.authorization.response_mode = ResponseMode::Fragment;
        d.authorization.state_echo = StateEcho::Unknown;
    })
}

fn denied(error: &str) -> impl Fn(Result<AuthorizationResponse, RedirectError>) -> bool {
    let denied = RedirectError::Denied {
        error: ErrorCode::new(error),
    };
    move |result| result.as_ref() == Err(&denied)
}

#[test]
fn a_code_with_its_state_is_taken() {
    let callback = query(&client(), "?code=a%2Bb+c&state=st-1&realm=x%20y&lang=nl").unwrap();
    assert_eq!(callback.code.expose(), "a+b c");
    let extra = [("realm", "x y"), ("lang", "nl")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!(callback.extra, extra);
}

#[test]
fn a_missing_empty_wrong_or_repeated_state_is_refused() {
    for redirect in [
        "code=c",
        "code=c&state=",
        "code=c&state=other",
        "code=c&state=st-1&state=st-1",
        "code=c&state=st-1&%73tate=st-2",
    ] {
        assert_eq!(
            query(&client(), redirect),
            Err(RedirectError::StateMismatch),
            "{redirect}"
        );
    }
}

#[test]
fn q3_a_missing_wrong_or_repeated_flow_is_refused() {
    let client = flow_in_redirect_uri();
    for redirect in [
        "code=c",
        "flow=&code=c",
        "flow=no&code=c",
        "flow=st-1&flow=st-1&code=c",
        "code=c&state=st-1",
    ] {
        assert_eq!(
            query(&client, redirect),
            Err(RedirectError::StateMismatch),
            "{redirect}"
        );
    }
    assert!(query(&client, "flow=st-1&code=c").is_ok());
}

#[test]
fn q3b_an_error_without_flow_is_a_denial() {
    assert!(denied("access_denied")(query(
        &flow_in_redirect_uri(),
        "error=access_denied"
    )));
}

#[test]
fn a4_a_denial_with_an_empty_state_is_a_denial() {
    assert!(denied("access_denied")(query(
        &client(),
        "error=access_denied&state="
    )));
    assert!(denied("access_denied")(query(
        &client(),
        "error=access_denied&state=st-1"
    )));
}

#[test]
fn a_denial_for_another_flow_does_not_end_this_one() {
    let other = query(&client(), "error=access_denied&state=other");
    assert_eq!(other, Err(RedirectError::StateMismatch));
}

#[test]
fn an_unlisted_error_code_is_not_shown() {
    assert!(denied("<script>")(query(
        &client(),
        "error=%3Cscript%3E%0d%0a&state=st-1"
    )));
}

#[test]
fn a5_a_code_and_an_error_together_are_refused() {
    let both = query(&client(), "code=c&error=access_denied&state=st-1");
    assert_eq!(both, Err(RedirectError::CodeAndError));
}

#[test]
fn repeated_parameters_are_refused() {
    let repeated = |what| Err(RedirectError::Duplicate(what));
    let issuer = with(|d| d.authorization.issuer = Some("https://login.example".to_owned()));
    assert_eq!(
        query(&client(), "code=c&code=d&state=st-1"),
        repeated("code")
    );
    assert_eq!(
        query(&client(), "error=c&error=d&state=st-1"),
        repeated("error")
    );
    assert_eq!(
        query(&issuer, "iss=a&iss=b&code=c&state=st-1"),
        repeated("iss")
    );
}

#[test]
fn neither_code_nor_error_is_refused() {
    for redirect in ["state=st-1", "code=&state=st-1"] {
        assert_eq!(
            query(&client(), redirect),
            Err(RedirectError::CodeMissing),
            "{redirect}"
        );
    }
}

#[test]
fn another_issuer_than_the_dialects_is_refused() {
    let client = with(|d| d.authorization.issuer = Some("https://login.example".to_owned()));
    let own = query(&client, "code=c&state=st-1&iss=https%3A%2F%2Flogin.example").unwrap();
    assert!(own.extra.is_empty());
    assert!(query(&client, "code=c&state=st-1").is_ok());
    for redirect in [
        "code=c&state=st-1&iss=https%3A%2F%2Fevil.test",
        "error=e&state=st-1&iss=x",
    ] {
        assert_eq!(
            query(&client, redirect),
            Err(RedirectError::WrongIssuer),
            "{redirect}"
        );
    }
}

#[test]
fn i5_a_fragment_keeps_further_equals_signs_and_plus() {
    let callback = read(
        &fragment(),
        Redirect::fragment("#code=ab+c%2Bd==&appCode=X%20Y"),
    )
    .unwrap();
    assert_eq!(callback.code.expose(), "ab+c+d==");
    assert_eq!(callback.extra, [("appCode".to_owned(), "X Y".to_owned())]);
}

#[test]
fn i5_escapes_are_decoded_once() {
    let callback = read(&fragment(), Redirect::fragment("code=a%252Bb")).unwrap();
    assert_eq!(callback.code.expose(), "a%2Bb");
}

#[test]
fn a_returned_state_of_unknown_echo_must_match() {
    let client = fragment();
    assert!(read(&client, Redirect::fragment("code=c")).is_ok());
    assert!(read(&client, Redirect::fragment("code=c&state=st-1")).is_ok());
    let wrong = read(&client, Redirect::fragment("code=c&state=other"));
    assert_eq!(wrong, Err(RedirectError::StateMismatch));
}

#[test]
fn a_returned_top_level_state_must_match_too() {
    let client = flow_in_redirect_uri()
        .adjust(|d| {
            d.authorization.state = StatePlace::Both("flow".to_owned());
            d.authorization.state_echo = StateEcho::Unknown;
        })
        .unwrap();
    assert!(query(&client, "flow=st-1&code=c").is_ok());
    assert!(query(&client, "flow=st-1&state=st-1&code=c").is_ok());
    for redirect in ["flow=st-1&state=x&code=c", "state=st-1&code=c"] {
        assert_eq!(
            query(&client, redirect),
            Err(RedirectError::StateMismatch),
            "{redirect}"
        );
    }
}

#[test]
fn the_other_response_mode_is_refused() {
    let in_fragment = read(&client(), Redirect::fragment("code=c&state=st-1"));
    assert_eq!(
        in_fragment,
        Err(RedirectError::WrongResponseMode("fragment"))
    );
    assert_eq!(
        query(&fragment(), "code=c"),
        Err(RedirectError::WrongResponseMode("query"))
    );
}

#[test]
fn escapes_that_are_not_utf8_are_refused() {
    assert_eq!(
        query(&client(), "code=%ff&state=st-1"),
        Err(RedirectError::Malformed)
    );
}

#[test]
fn no_value_of_a_redirect_is_printed() {
    let redirect = Redirect::query("code=SECRET&state=st-1&more=SECRET");
    let callback = read(&client(), redirect.clone()).unwrap();
    let printed = format!("{redirect:?} {callback:?}");
    assert!(!printed.contains("SECRET"), "{printed}");
    assert!(printed.contains("more"));
}
