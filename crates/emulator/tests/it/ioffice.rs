//! iOFFICE.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::json as value;
use tokenkeeper_emulator::{
    Emulator, Endpoint, Fault, IOfficeOptions, RejectedStatus, RevocationScope, User,
};

use crate::support::{CALLBACK, client, form_of, frozen, get, get_with, json, location, text};

const LOGIN: &str = "/login.html";
const TOKEN: &str = "/external/api/oauth2/token";
const REVOKE: &str = "/external/api/oauth2/revoke";
const INFO: &str = "/external/api/oauth2/tokeninfo";
const ME: &str = "/external/api/rest/v2/users/me";

fn emulator(options: IOfficeOptions) -> Emulator {
    Emulator::ioffice()
        .options(options)
        .client(client())
        .clock(frozen)
        .in_process()
}

const ALL_FIVE: [(&str, &str); 5] = [
    ("response_type", "code"),
    ("client_id", "app"),
    ("redirect_uri", CALLBACK),
    ("scope", "email"),
    ("state", "st+ate"),
];

async fn code(emulator: &Emulator) -> String {
    let approved = location(
        &get(
            emulator,
            LOGIN,
            &[&ALL_FIVE[..], &[("approve", "1")]].concat(),
        )
        .await,
    );
    fragment(&approved, "code")
}

/// A value of the fragment: split at the first `=`, decoded once, `+` stays.
fn fragment(url: &str, name: &str) -> String {
    let (_, fragment) = url.split_once('#').unwrap();
    let pairs = fragment.split('&').filter_map(|pair| pair.split_once('='));
    let raw = pairs.into_iter().find(|(key, _)| *key == name).unwrap().1;
    percent_encoding::percent_decode_str(raw)
        .decode_utf8()
        .unwrap()
        .into_owned()
}

async fn post(
    emulator: &Emulator,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response<Bytes> {
    let request = headers
        .iter()
        .fold(Request::post(path), |request, (name, value)| {
            request.header(*name, *value)
        });
    emulator
        .call(request.body(Bytes::from(body.to_owned())).unwrap())
        .await
        .unwrap()
}

fn exchange(code: &str) -> [(&str, &str); 6] {
    [
        ("content-type", "application/json"),
        ("x-grant-type", "authorization_code"),
        ("x-redirect-uri", CALLBACK),
        ("x-client-id", "app"),
        ("x-scope", "email"),
        ("x-auth-code", code),
    ]
}

fn refresh(token: &str) -> [(&str, &str); 6] {
    [
        ("content-type", "application/json"),
        ("x-grant-type", "refresh_token"),
        ("x-redirect-uri", CALLBACK),
        ("x-client-id", "app"),
        ("x-scope", "email"),
        ("x-refresh-token", token),
    ]
}

async fn me(emulator: &Emulator, token: &str) -> u16 {
    get_with(emulator, ME, &[("x-access-token", token)])
        .await
        .status()
        .as_u16()
}

#[tokio::test]
async fn i2_any_missing_parameter_is_an_error_page_without_redirect() {
    let emulator = emulator(IOfficeOptions::default());
    for missing in 0..5 {
        let mut pairs = ALL_FIVE.to_vec();
        let name = pairs[missing].0;
        pairs[missing].1 = "";
        pairs.push(("approve", "1"));
        let empty = get(&emulator, LOGIN, &pairs).await;
        pairs.remove(missing);
        let absent = get(&emulator, LOGIN, &pairs).await;
        for page in [empty, absent] {
            assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{name}");
            assert!(!page.headers().contains_key("location"));
            assert!(page.body().starts_with(b"<!doctype html>"));
        }
    }
    for wrong in [
        ("response_type", "token"),
        ("client_id", "nobody"),
        ("redirect_uri", "https://app.example/cb?x"),
    ] {
        let mut pairs = ALL_FIVE.to_vec();
        pairs
            .iter_mut()
            .find(|(name, _)| *name == wrong.0)
            .unwrap()
            .1 = wrong.1;
        pairs.push(("approve", "1"));
        assert_eq!(
            get(&emulator, LOGIN, &pairs).await.status(),
            StatusCode::BAD_REQUEST,
            "{wrong:?}"
        );
    }
}

#[tokio::test]
async fn i4_the_callback_gets_no_query() {
    let emulator = emulator(IOfficeOptions::default());
    for decision in ["approve", "deny"] {
        let asked = [&ALL_FIVE[..], &[(decision, "1")]].concat();
        let to = location(&get(&emulator, LOGIN, &asked).await);
        // A browser asks for what stands before the fragment.
        assert_eq!(to.split_once('#').unwrap().0, CALLBACK);
    }
}

#[tokio::test]
async fn i5_the_code_and_app_code_come_in_the_fragment() {
    let emulator = emulator(IOfficeOptions::default().app_code("X Y"));
    let to = location(
        &get(
            &emulator,
            LOGIN,
            &[&ALL_FIVE[..], &[("approve", "1")]].concat(),
        )
        .await,
    );
    let (uri, raw) = to.split_once('#').unwrap();
    assert_eq!(uri, CALLBACK);
    assert!(raw.ends_with("%3D%3D&appCode=X%20Y"), "{raw}");
    // A plus sign in the code is a plus sign.
    let code = fragment(&to, "code");
    assert!(
        raw.contains('+') && code.contains('+') && code.ends_with("=="),
        "{raw}"
    );
    assert_eq!(fragment(&to, "appCode"), "X Y");
    assert_eq!(
        post(&emulator, TOKEN, &exchange(&code.replace('+', " ")), "")
            .await
            .status(),
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        post(&emulator, TOKEN, &exchange(&code), "").await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn state_is_echoed_only_as_an_option() {
    let silent = emulator(IOfficeOptions::default());
    let to = location(
        &get(
            &silent,
            LOGIN,
            &[&ALL_FIVE[..], &[("approve", "1")]].concat(),
        )
        .await,
    );
    assert!(!to.contains("state="));
    let echoing = emulator(IOfficeOptions::default().echo_state());
    let to = location(
        &get(
            &echoing,
            LOGIN,
            &[&ALL_FIVE[..], &[("approve", "1")]].concat(),
        )
        .await,
    );
    assert_eq!(fragment(&to, "state"), "st+ate");
    let to = location(&get(&echoing, LOGIN, &[&ALL_FIVE[..], &[("deny", "1")]].concat()).await);
    assert_eq!(
        to,
        "https://app.example/cb#error=access_denied&state=st+ate"
    );
}

#[tokio::test]
async fn i7_nothing_tells_the_redirects_of_two_flows_apart() {
    let emulator = emulator(IOfficeOptions::default().app_code("X"));
    let redirect = async |state| {
        let mut asked = ALL_FIVE;
        asked[4].1 = state;
        let asked = [&asked[..], &[("approve", "1")]].concat();
        location(&get(&emulator, LOGIN, &asked).await)
    };
    let (first, second) = (redirect("one").await, redirect("two").await);
    let codes = [fragment(&first, "code"), fragment(&second, "code")];
    // But for the code, of which only the provider knows whose it is.
    for to in [&first, &second] {
        let (before, after) = to.split_once("#code=").unwrap();
        assert_eq!(before, CALLBACK);
        assert_eq!(after.split_once('&').unwrap().1, "appCode=X");
    }
    // Both are good: that the first flow is void is for the client to see to.
    for code in codes {
        let exchanged = post(&emulator, TOKEN, &exchange(&code), "").await;
        assert_eq!(exchanged.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn i9_the_six_headers_and_an_empty_body_are_taken() {
    let emulator = emulator(IOfficeOptions::default());
    let code = code(&emulator).await;
    for missing in 0..6 {
        let mut headers = exchange(&code).to_vec();
        let name = headers.remove(missing).0;
        assert_eq!(
            post(&emulator, TOKEN, &headers, "").await.status(),
            StatusCode::BAD_REQUEST,
            "{name}"
        );
    }
    assert_eq!(
        post(&emulator, TOKEN, &exchange(&code), "{}")
            .await
            .status(),
        StatusCode::BAD_REQUEST
    );
    let response = post(&emulator, TOKEN, &exchange(&code), "").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(json(&response).as_object().unwrap().len(), 4);
    assert_eq!(
        me(&emulator, &text(&json(&response), "access_token")).await,
        200
    );
    let again = post(&emulator, TOKEN, &exchange(&code), "").await;
    assert_eq!(
        (again.status().as_u16(), &json(&again)["error"]),
        (400, &value!("invalid_grant"))
    );
}

#[tokio::test]
async fn i10_the_same_parameters_as_a_form_are_refused() {
    let emulator = emulator(IOfficeOptions::default());
    let code = code(&emulator).await;
    let form = form_of(&[
        ("grant_type", "authorization_code"),
        ("redirect_uri", CALLBACK),
        ("client_id", "app"),
        ("scope", "email"),
        ("code", &code),
    ]);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let refused = post(&emulator, TOKEN, &headers, &form).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert_eq!(json(&refused)["error"], "invalid_request");
    assert!(json(&refused)["errorDescription"].is_string());
    assert_eq!(
        post(&emulator, TOKEN, &exchange(&code), "").await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn scope_redirect_uri_and_client_must_be_those_of_the_authorization() {
    let emulator = emulator(IOfficeOptions::default());
    let code = code(&emulator).await;
    for (name, error) in [
        ("x-scope", "invalid_scope"),
        ("x-redirect-uri", "invalid_request"),
        ("x-client-id", "invalid_client"),
    ] {
        let mut headers = exchange(&code);
        headers.iter_mut().find(|(key, _)| *key == name).unwrap().1 = "other";
        assert_eq!(
            json(&post(&emulator, TOKEN, &headers, "").await)["error"],
            error
        );
    }
    let tokens = json(&post(&emulator, TOKEN, &exchange(&code), "").await);
    let token = text(&tokens, "refresh_token");
    let mut headers = refresh(&token);
    headers[4].1 = "other";
    assert_eq!(
        json(&post(&emulator, TOKEN, &headers, "").await)["error"],
        "invalid_scope"
    );
    assert_eq!(
        post(&emulator, TOKEN, &refresh(&token), "").await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn codes_live_five_minutes() {
    let emulator = emulator(IOfficeOptions::default());
    let (early, late) = (code(&emulator).await, code(&emulator).await);
    emulator.advance(Duration::from_secs(299));
    assert_eq!(
        post(&emulator, TOKEN, &exchange(&early), "").await.status(),
        StatusCode::OK
    );
    emulator.advance(Duration::from_secs(2));
    assert_eq!(
        json(&post(&emulator, TOKEN, &exchange(&late), "").await)["error"],
        "invalid_grant"
    );
}

#[tokio::test]
async fn i13_the_expiry_is_in_milliseconds() {
    let emulator = emulator(IOfficeOptions::default());
    let tokens = json(&post(&emulator, TOKEN, &exchange(&code(&emulator).await), "").await);
    assert_eq!(tokens["expires_in"], 3_600_000);
}

#[tokio::test]
async fn i14_the_expiry_may_be_in_seconds() {
    let emulator = emulator(IOfficeOptions::default().seconds());
    let tokens = json(&post(&emulator, TOKEN, &exchange(&code(&emulator).await), "").await);
    assert_eq!(tokens["expires_in"], 3600);
}

#[tokio::test]
async fn i18_an_expired_token_is_403_and_an_unknown_one_401() {
    let vendor = emulator(IOfficeOptions::default());
    let tokens = vendor.issue_tokens("bob@example.com").unwrap();
    assert_eq!(me(&vendor, &tokens.access_token).await, 200);
    vendor.expire_access_tokens();
    assert_eq!(me(&vendor, &tokens.access_token).await, 403);
    assert_eq!(me(&vendor, "unknown").await, 401);
    // One that a refresh has replaced is as good as expired.
    let new = json(&post(&vendor, TOKEN, &refresh(&tokens.refresh_token), "").await);
    assert_eq!(me(&vendor, &tokens.access_token).await, 403);
    assert_eq!(me(&vendor, &text(&new, "access_token")).await, 200);

    let rfc = emulator(IOfficeOptions::default().rejected_status(RejectedStatus::Rfc6750));
    let tokens = rfc.issue_tokens("bob@example.com").unwrap();
    rfc.advance(Duration::from_secs(3601));
    assert_eq!(me(&rfc, &tokens.access_token).await, 401);
    assert_eq!(me(&rfc, "unknown").await, 401);
}

#[tokio::test]
async fn i19_a_revoked_user_is_401_and_the_refresh_is_refused() {
    let emulator = emulator(IOfficeOptions::default());
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    emulator.revoke_user("bob@example.com");
    assert_eq!(me(&emulator, &tokens.access_token).await, 401);
    let refused = post(&emulator, TOKEN, &refresh(&tokens.refresh_token), "").await;
    assert_eq!(json(&refused)["error"], "invalid_grant");
}

#[tokio::test]
async fn the_token_is_taken_from_its_header_or_the_query_but_never_as_bearer() {
    let emulator = emulator(IOfficeOptions::default());
    let token = emulator
        .issue_tokens("bob@example.com")
        .unwrap()
        .access_token;
    let in_query = get(&emulator, ME, &[("access_token", &token)]).await;
    assert_eq!(in_query.status(), StatusCode::OK);
    assert_eq!(json(&in_query)["userName"], "bob@example.com");
    let as_bearer = get_with(
        &emulator,
        ME,
        &[("authorization", &format!("Bearer {token}"))],
    )
    .await;
    assert_eq!(as_bearer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn old_tokens_die_or_live_at_a_refresh() {
    for live in [false, true] {
        let options = IOfficeOptions::default();
        let emulator = emulator(if live {
            options.old_tokens_live()
        } else {
            options
        });
        let tokens = emulator.issue_tokens("bob@example.com").unwrap();
        let new = json(&post(&emulator, TOKEN, &refresh(&tokens.refresh_token), "").await);
        assert_ne!(text(&new, "refresh_token"), tokens.refresh_token);
        assert_eq!(me(&emulator, &tokens.access_token).await == 200, live);
        let again = post(&emulator, TOKEN, &refresh(&tokens.refresh_token), "").await;
        assert_eq!(again.status() == StatusCode::OK, live);
        // The client was told of a newer one: it should not have come with this.
        assert_eq!(emulator.counters().presented_after_answer(), 1);
    }
}

#[tokio::test]
async fn i20_revocation_needs_only_x_token_and_ends_the_access() {
    let emulator = emulator(IOfficeOptions::default());
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    assert_eq!(
        get_with(&emulator, REVOKE, &[]).await.status(),
        StatusCode::BAD_REQUEST
    );
    let revoked = get_with(&emulator, REVOKE, &[("x-token", &tokens.access_token)]).await;
    assert_eq!(revoked.status(), StatusCode::OK);
    assert_eq!(me(&emulator, &tokens.access_token).await, 401);
    assert_eq!(emulator.counters().revocations, 2);
    // The refresh token lives until it is revoked too.
    let new = post(&emulator, TOKEN, &refresh(&tokens.refresh_token), "").await;
    assert_eq!(new.status(), StatusCode::OK);
    let refresh_token = text(&json(&new), "refresh_token");
    get_with(&emulator, REVOKE, &[("x-token", &refresh_token)]).await;
    assert_eq!(
        json(&post(&emulator, TOKEN, &refresh(&refresh_token), "").await)["error"],
        "invalid_grant"
    );
}

#[tokio::test]
async fn revocation_may_be_a_post_and_end_both_tokens() {
    let options = IOfficeOptions::default()
        .revoke_by_post()
        .revocation_scope(RevocationScope::Grant);
    let emulator = emulator(options);
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    let by_get = get_with(&emulator, REVOKE, &[("x-token", &tokens.access_token)]).await;
    assert_eq!(by_get.status(), StatusCode::METHOD_NOT_ALLOWED);
    post(&emulator, REVOKE, &[("x-token", &tokens.access_token)], "").await;
    assert_eq!(me(&emulator, &tokens.access_token).await, 401);
    let refused = post(&emulator, TOKEN, &refresh(&tokens.refresh_token), "").await;
    assert_eq!(json(&refused)["error"], "invalid_grant");
}

#[tokio::test]
async fn i22_the_direct_request_checks_user_and_password() {
    let user = User::new("bob").password("p ss");
    let emulator = Emulator::ioffice().client(client()).user(user).in_process();
    let ask = |login: &'static str, password: &'static str| {
        let emulator = emulator.clone();
        async move {
            let headers = [
                ("content-type", "application/json"),
                ("x-auth-username", login),
                ("x-auth-password", password),
                ("x-client-id", "app"),
            ];
            post(&emulator, "/external/api/oauth2/auth", &headers, "").await
        }
    };
    for (login, password, status) in [
        ("bob", "wrong", 401),
        ("eve", "p ss", 401),
        ("bob", "", 400),
    ] {
        let refused = ask(login, password).await;
        assert_eq!(refused.status().as_u16(), status);
        assert!(json(&refused)["errorDescription"].is_string());
    }
    let code = text(&json(&ask("bob", "p ss").await), "code");
    let tokens = post(&emulator, TOKEN, &exchange(&code), "").await;
    assert_eq!(tokens.status(), StatusCode::OK);
}

#[tokio::test]
async fn i25_the_token_endpoint_can_lead_to_another_host() {
    let emulator = emulator(IOfficeOptions::default());
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    emulator.faults().once(
        Endpoint::Token,
        Fault::Redirect("https://evil.test/collect".into()),
    );
    let moved = post(&emulator, TOKEN, &refresh(&tokens.refresh_token), "").await;
    assert_eq!(location(&moved), "https://evil.test/collect");
    assert_eq!(
        post(&emulator, TOKEN, &refresh(&tokens.refresh_token), "")
            .await
            .status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn token_information_and_errors_in_snake_case() {
    let emulator = emulator(IOfficeOptions::default().snake_case_errors());
    let tokens = emulator.issue_tokens("bob@example.com").unwrap();
    let info = json(&get_with(&emulator, INFO, &[("x-token", &tokens.access_token)]).await);
    assert_eq!(
        (&info["client_id"], &info["scope"]),
        (&value!("app"), &value!("email"))
    );
    assert_eq!(info["expires_in"], 3_600_000);
    let refused = get_with(&emulator, INFO, &[("x-token", "unknown")]).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(json(&refused)["error_description"].is_string());
}
