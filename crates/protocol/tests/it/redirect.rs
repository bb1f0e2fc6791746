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
    let code = ErrorCode::new(error);
    move |result| match result {
        Err(RedirectError::Denied { error, .. }) => error == code,
        _ => false,
    }
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
    assert!(query(&client, "flow=st-1&code=c").unwrap().state_returned);
}

#[test]
fn a4_a_denial_ends_a_flow_with_its_state_only() {
    let state = "error=access_denied&state=st-1";
    let flow = "flow=st-1&error=access_denied";
    assert!(denied("access_denied")(query(&client(), state)));
    assert!(denied("access_denied")(query(
        &flow_in_redirect_uri(),
        flow
    )));
    assert!(denied("access_denied")(read(
        &fragment(),
        Redirect::fragment(state)
    )));
    // This provider always returns the state: another page sent the redirect.
    for redirect in ["error=access_denied&state=", "error=access_denied"] {
        let read = query(&client(), redirect);
        assert_eq!(read, Err(RedirectError::StateMismatch), "{redirect}");
    }
    // These may not.
    let never = with(|d| d.authorization.state_echo = StateEcho::Never);
    for read in [
        query(&flow_in_redirect_uri(), "error=access_denied"),
        query(&flow_in_redirect_uri(), "flow=&error=access_denied"),
        query(&never, "error=access_denied&state=st-1"),
        read(&fragment(), Redirect::fragment("error=access_denied")),
    ] {
        let Err(RedirectError::DeniedWithoutState { error }) = read else {
            panic!("{read:?}")
        };
        assert_eq!(error.as_str(), Some("access_denied"));
    }
}

#[test]
fn a_denial_brings_its_text_for_the_person() {
    let text = |description: &str| {
        let redirect = format!("error=access_denied&state=st-1&error_description={description}");
        match query(&client(), &redirect) {
            Err(RedirectError::Denied { description, .. }) => {
                description.map(|text| text.as_str().to_owned())
            }
            read => panic!("{read:?}"),
        }
    };
    assert_eq!(text("Ask+your%20admin").unwrap(), "Ask your admin");
    assert_eq!(text("a%0D%0Ab%00%22c%5C%E2%80%AEd").unwrap(), "a  b  c  d");
    assert_eq!(text("%3Cscript%3E").unwrap(), "<script>");
    assert_eq!(text(&"a".repeat(300)).unwrap().len(), 200);
    assert_eq!(text(""), None);
    assert_eq!(text("%0A"), None);
    assert_eq!(text("one&error_description=two"), None);
    let denied = query(&client(), "error=x&state=st-1&error_description=SECRET").unwrap_err();
    assert!(!format!("{denied} {denied:?}").contains("SECRET"));
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
fn a_missing_issuer_is_refused_in_denials_too() {
    let client = with(|d| d.authorization.issuer = Some("https://login.example".to_owned()));
    for redirect in [
        "code=c&state=st-1",
        "code=c&state=st-1&iss=",
        "error=access_denied&state=st-1",
    ] {
        let read = query(&client, redirect);
        assert_eq!(read, Err(RedirectError::IssuerMissing), "{redirect}");
    }
    let denial = "error=access_denied&state=st-1&iss=https%3A%2F%2Flogin.example";
    assert!(denied("access_denied")(query(&client, denial)));
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
    let state_returned = |text| {
        let response = read(&client, Redirect::fragment(text)).unwrap();
        response.state_returned
    };
    assert!(!state_returned("code=c"));
    assert!(!state_returned("code=c&state="));
    assert!(state_returned("code=c&state=st-1"));
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
fn a_state_that_never_comes_back_proves_nothing() {
    let never = with(|d| d.authorization.state_echo = StateEcho::Never);
    for redirect in ["code=c", "code=c&state=st-1", "code=c&state=other"] {
        let response = query(&never, redirect).unwrap();
        assert!(!response.state_returned, "{redirect}");
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
fn a_form_post_is_read_as_a_form() {
    let client = with(|d| d.authorization.response_mode = ResponseMode::FormPost);
    let body = "state=st-1&code=a%2Bb+c%25";
    let response = read(&client, Redirect::form_post(body)).unwrap();
    assert_eq!(response.code.expose(), "a+b c%");
    let wrong = |part| Err(RedirectError::WrongResponseMode(part));
    assert_eq!(query(&client, body), wrong("query"));
    assert_eq!(
        read(&self::client(), Redirect::form_post(body)),
        wrong("body")
    );
    let url = Redirect::from_url(format!("{CALLBACK}?{body}")).unwrap();
    assert_eq!(read(&client, url), wrong("URL"));
}

#[test]
fn a_mark_behind_the_response_is_not_part_of_it() {
    for mark in ["", "#", "#_=_", "#_", "#!", "#/"] {
        let given = format!("state=st-1&code=c{mark}");
        assert_eq!(
            query(&client(), &given).unwrap().code.expose(),
            "c",
            "{mark}"
        );
        let given = Redirect::fragment(given);
        assert_eq!(
            read(&fragment(), given).unwrap().code.expose(),
            "c",
            "{mark}"
        );
    }
    let only = read(&fragment(), Redirect::fragment("#_=_"));
    assert_eq!(only, Err(RedirectError::CodeMissing));
}

#[test]
fn the_parameters_have_the_names_of_the_dialect() {
    let client = with(|d| {
        d.authorization.callback.code = "spapi_oauth_code".to_owned();
        d.authorization.callback.state = "amazon_state".to_owned();
        d.authorization.callback.error = "fault".to_owned();
    });
    let given = "spapi_oauth_code=c&amazon_state=st-1&selling_partner_id=A1&state=x";
    let response = query(&client, given).unwrap();
    assert_eq!(response.code.expose(), "c");
    let further = [("selling_partner_id", "A1"), ("state", "x")];
    let further = further.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(response.extra, further);
    assert!(denied("access_denied")(query(
        &client,
        "fault=access_denied&amazon_state=st-1"
    )));
    for standard in [
        "code=c&amazon_state=st-1",
        "error=access_denied&amazon_state=st-1",
    ] {
        let read = query(&client, standard);
        assert_eq!(read, Err(RedirectError::CodeMissing), "{standard}");
    }
    let read = query(&client, "spapi_oauth_code=c&state=st-1");
    assert_eq!(read, Err(RedirectError::StateMismatch));
    let url = format!("{CALLBACK}#spapi_oauth_code=c&amazon_state=st-1");
    let redirect = Redirect::from_url(url).unwrap();
    assert_eq!(
        self::read(&client, redirect),
        Err(RedirectError::WrongResponseMode("fragment"))
    );
}

#[test]
fn a_state_in_another_case_is_refused() {
    let read = query(&client(), "code=c&state=ST-1");
    assert_eq!(read, Err(RedirectError::StateMismatch));
    let read = query(&client(), "code=c&State=st-1");
    assert_eq!(read, Err(RedirectError::StateMismatch));
}

#[test]
fn empty_parameters_count_as_absent() {
    let response = query(&client(), "&&code=c&error=&state=st-1&error=&&realm&").unwrap_err();
    assert_eq!(response, RedirectError::Duplicate("error"));
    let response = query(&client(), "&&code=c&error=&state=st-1&&realm&").unwrap();
    assert_eq!(response.code.expose(), "c");
    assert!(
        response
            .extra
            .contains(&("realm".to_owned(), String::new()))
    );
}

#[test]
fn an_overlong_redirect_is_refused() {
    let long = format!("code=c&state=st-1&x={}", "a".repeat(64 * 1024));
    let form_post = with(|d| d.authorization.response_mode = ResponseMode::FormPost);
    assert_eq!(query(&client(), &long), Err(RedirectError::TooLarge));
    assert_eq!(
        read(&fragment(), Redirect::fragment(&*long)),
        Err(RedirectError::TooLarge)
    );
    assert_eq!(
        read(&form_post, Redirect::form_post(&*long)),
        Err(RedirectError::TooLarge)
    );
    let url = Redirect::from_url(format!("{CALLBACK}?{long}"));
    assert_eq!(url, Err(RedirectError::TooLarge));
}

#[test]
fn escapes_that_are_not_utf8_are_refused_in_what_is_used() {
    for text in ["code=%ff&state=st-1", "error=%ff&state=st-1"] {
        assert_eq!(
            query(&client(), text),
            Err(RedirectError::Malformed),
            "{text}"
        );
    }
    assert_eq!(
        query(&client(), "code=c&state=%ff"),
        Err(RedirectError::StateMismatch)
    );
    let issuer = with(|d| d.authorization.issuer = Some("https://login.example".to_owned()));
    assert_eq!(
        query(&issuer, "code=c&state=st-1&iss=%ff"),
        Err(RedirectError::Malformed)
    );
}

#[test]
fn a_replacement_character_may_be_part_of_a_code() {
    let response = query(&client(), "code=a%EF%BF%BD&state=st-1").unwrap();
    assert_eq!(response.code.expose(), "a\u{fffd}");
}

#[test]
fn escapes_that_are_not_utf8_cost_nothing_elsewhere() {
    let response = query(&client(), "shop=caf%E9&n%E9=1&code=c&state=st-1").unwrap();
    assert_eq!(response.code.expose(), "c");
    assert_eq!(
        response.extra[0],
        ("shop".to_owned(), "caf\u{fffd}".to_owned())
    );
    let denied = query(
        &client(),
        "error=access_denied&error_description=zur%FCck+gezogen&state=st-1",
    );
    let Err(RedirectError::Denied { error, description }) = denied else {
        panic!("{denied:?}")
    };
    assert_eq!(error.as_str(), Some("access_denied"));
    assert_eq!(description.unwrap().as_str(), "zur ck gezogen");
}

#[test]
fn an_empty_error_is_none() {
    let response = query(&client(), "code=c&error=&state=st-1").unwrap();
    assert_eq!(response.code.expose(), "c");
    assert!(response.extra.is_empty(), "{:?}", response.extra);
    let none = query(&client(), "error=&state=st-1");
    assert_eq!(none, Err(RedirectError::CodeMissing));
}

#[test]
fn no_value_of_a_redirect_is_printed() {
    let parameters = "code=SECRET&state=st-1&more=SECRET";
    let redirect = Redirect::query(parameters);
    let callback = read(&client(), redirect.clone()).unwrap();
    let others = [
        Redirect::fragment(parameters),
        Redirect::form_post(parameters),
        Redirect::from_url(format!("{CALLBACK}?{parameters}")).unwrap(),
    ];
    let printed = format!("{redirect:?} {others:?} {callback:?}");
    assert!(!printed.contains("SECRET"), "{printed}");
    assert!(printed.contains("more"));
}
