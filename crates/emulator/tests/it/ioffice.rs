//! iOFFICE.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokenkeeper_emulator::{
    DEFAULT_USER, Emulator, Endpoint, Fault, IOfficeOptions, RejectedStatus, RevocationScope, User,
};

use crate::support::{
    CALLBACK, Pairs, Requests, Vendor, bearer, client, error, form, frozen, get, get_with, json,
    location, text, with,
};

const REQUESTS: Requests = Requests {
    authorize: "/login.html",
    token: "/external/api/oauth2/token",
    api: "/external/api/rest/v2/users/me",
    authorization: &[
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("scope", "email"),
        ("state", "st+ate"),
    ],
    exchange,
    refresh,
    token_request: headers_request,
    credential: |token| ("x-access-token", token.to_owned()),
    read: fragment,
};

const REVOKE: &str = "/external/api/oauth2/revoke";
const INFO: &str = "/external/api/oauth2/tokeninfo";

fn exchange(code: &str) -> Pairs<'_> {
    vec![
        ("content-type", "application/json"),
        ("x-grant-type", "authorization_code"),
        ("x-redirect-uri", CALLBACK),
        ("x-client-id", "app"),
        ("x-scope", "email"),
        ("x-auth-code", code),
    ]
}

fn refresh(token: &str) -> Pairs<'_> {
    vec![
        ("content-type", "application/json"),
        ("x-grant-type", "refresh_token"),
        ("x-redirect-uri", CALLBACK),
        ("x-client-id", "app"),
        ("x-scope", "email"),
        ("x-refresh-token", token),
    ]
}

fn headers_request(path: &str, headers: &[(&str, &str)]) -> Request<Bytes> {
    let request = Request::post(path);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.body(Bytes::new()).unwrap()
}

/// A value of the fragment, which is decoded once and keeps its `+`.
fn fragment(url: &str, name: &str) -> Option<String> {
    let (_, fragment) = url.split_once('#')?;
    let mut pairs = fragment.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    let value = percent_encoding::percent_decode_str(value);
    Some(value.decode_utf8().unwrap().into_owned())
}

fn default() -> Vendor {
    ioffice(IOfficeOptions::default())
}

fn ioffice(options: IOfficeOptions) -> Vendor {
    let builder = Emulator::ioffice().options(options).client(client());
    Vendor {
        emulator: builder.clock(frozen).in_process(),
        requests: REQUESTS,
    }
}

/// Sends a revocation or a request for token information.
async fn ask_about(vendor: &Vendor, path: &str, token: &str) -> Response<Bytes> {
    get_with(vendor, path, &[("x-token", token)]).await
}

#[tokio::test]
async fn i2_a_missing_or_wrong_parameter_gets_an_error_page() {
    let vendor = default();
    let approve = [("approve", "1")];
    for (name, _) in REQUESTS.authorization {
        let empty = vendor.authorize(&[(name, ""), approve[0]]).await;
        let mut pairs = with(REQUESTS.authorization.to_vec(), &approve);
        pairs.retain(|(existing, _)| existing != name);
        let absent = get(&vendor, REQUESTS.authorize, &pairs).await;
        for page in [empty, absent] {
            assert_eq!(page.status(), 400, "{name}");
            assert!(!page.headers().contains_key("location"));
            assert!(page.body().starts_with(b"<!doctype html>"));
        }
    }
    for wrong in [
        ("response_type", "token"),
        ("client_id", "unknown"),
        ("redirect_uri", "https://app.example/cb?x"),
    ] {
        let page = vendor.authorize(&[wrong, approve[0]]).await;
        assert_eq!(page.status(), 400, "{wrong:?}");
    }
}

#[tokio::test]
async fn i4_the_callback_gets_no_query() {
    for decision in ["approve", "deny"] {
        let to = default().redirect(&[(decision, "1")]).await;
        // A browser requests the part before the fragment.
        assert_eq!(to.split_once('#').unwrap().0, CALLBACK);
    }
}

#[tokio::test]
async fn i5_the_code_and_app_code_come_in_the_fragment() {
    let vendor = ioffice(IOfficeOptions::default().app_code("X Y"));
    let to = vendor.redirect(&[("approve", "1")]).await;
    let (uri, raw) = to.split_once('#').unwrap();
    assert_eq!(uri, CALLBACK);
    assert!(raw.ends_with("%3D%3D&appCode=X%20Y"), "{raw}");
    // A plus sign in the code means itself.
    let code = fragment(&to, "code").unwrap();
    assert!(raw.contains('+') && code.contains('+'), "{raw}");
    assert!(code.ends_with("=="), "{raw}");
    assert_eq!(fragment(&to, "appCode").unwrap(), "X Y");
    let decoded_twice = vendor.exchange(&code.replace('+', " ")).await;
    assert_eq!(decoded_twice.status(), 400);
    assert_eq!(vendor.exchange(&code).await.status(), 200);
}

#[tokio::test]
async fn state_is_echoed_only_by_option() {
    let to = default().redirect(&[("approve", "1")]).await;
    assert!(!to.contains("state="));
    let echoing = ioffice(IOfficeOptions::default().echo_state());
    let to = echoing.redirect(&[("approve", "1")]).await;
    assert_eq!(fragment(&to, "state").unwrap(), "st+ate");
    let to = echoing.redirect(&[("deny", "1")]).await;
    let denied = "https://app.example/cb#error=access_denied&state=st+ate";
    assert_eq!(to, denied);
}

#[tokio::test]
async fn i7_redirects_of_two_flows_differ_by_the_code_only() {
    let vendor = ioffice(IOfficeOptions::default().app_code("X"));
    let mut codes = Vec::new();
    for state in ["one", "two"] {
        let to = vendor.redirect(&[("state", state), ("approve", "1")]).await;
        // Only the provider knows which flow the code belongs to.
        let (before, after) = to.split_once("#code=").unwrap();
        assert_eq!(before, CALLBACK);
        assert_eq!(after.split_once('&').unwrap().1, "appCode=X");
        codes.push(fragment(&to, "code").unwrap());
    }
    // Both work: the client must void the first flow.
    for code in codes {
        assert_eq!(vendor.exchange(&code).await.status(), 200);
    }
}

#[tokio::test]
async fn i9_the_exchange_takes_six_headers_and_an_empty_body() {
    let vendor = default();
    let code = vendor.code().await;
    for missing in 0..6 {
        let mut headers = exchange(&code);
        let (name, _) = headers.remove(missing);
        assert_eq!(vendor.token(&headers).await.status(), 400, "{name}");
    }
    let mut with_body = headers_request(REQUESTS.token, &exchange(&code));
    *with_body.body_mut() = Bytes::from("{}");
    assert_eq!(vendor.send(with_body).await.status(), 400);
    let response = vendor.exchange(&code).await;
    assert_eq!(response.status(), 200);
    let tokens = json(&response);
    assert_eq!(tokens.as_object().unwrap().len(), 4);
    assert_eq!(vendor.api(&text(&tokens, "access_token")).await, 200);
    let again = vendor.exchange(&code).await;
    assert_eq!(again.status(), 400);
    assert_eq!(error(&again), "invalid_grant");
}

#[tokio::test]
async fn i10_the_same_parameters_as_a_form_are_refused() {
    let vendor = default();
    let code = vendor.code().await;
    let parameters = [
        ("grant_type", "authorization_code"),
        ("redirect_uri", CALLBACK),
        ("client_id", "app"),
        ("scope", "email"),
        ("code", &code),
    ];
    let refused = form(&vendor, REQUESTS.token, &parameters).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(error(&refused), "invalid_request");
    assert!(json(&refused)["errorDescription"].is_string());
    assert_eq!(vendor.exchange(&code).await.status(), 200);
}

#[tokio::test]
async fn scope_redirect_uri_and_client_must_be_the_authorized_ones() {
    let vendor = default();
    let code = vendor.code().await;
    for (name, expected) in [
        ("x-scope", "invalid_scope"),
        ("x-redirect-uri", "invalid_request"),
        ("x-client-id", "invalid_client"),
    ] {
        let refused = vendor.exchange_with(&code, &[(name, "other")]).await;
        assert_eq!(error(&refused), expected);
    }
    let tokens = json(&vendor.exchange(&code).await);
    let token = text(&tokens, "refresh_token");
    let refused = vendor.refresh_with(&token, &[("x-scope", "other")]).await;
    assert_eq!(error(&refused), "invalid_scope");
    assert_eq!(vendor.refresh(&token).await.status(), 200);
}

#[tokio::test]
async fn codes_live_five_minutes() {
    let vendor = default();
    let (early, late) = (vendor.code().await, vendor.code().await);
    vendor.advance(Duration::from_secs(299));
    assert_eq!(vendor.exchange(&early).await.status(), 200);
    vendor.advance(Duration::from_secs(2));
    assert_eq!(error(&vendor.exchange(&late).await), "invalid_grant");
}

#[tokio::test]
async fn i13_the_expiry_is_in_milliseconds() {
    let vendor = default();
    let tokens = json(&vendor.exchange(&vendor.code().await).await);
    assert_eq!(tokens["expires_in"], 3_600_000);
}

#[tokio::test]
async fn i14_the_expiry_may_be_in_seconds() {
    let vendor = ioffice(IOfficeOptions::default().seconds());
    let tokens = json(&vendor.exchange(&vendor.code().await).await);
    assert_eq!(tokens["expires_in"], 3600);
}

#[tokio::test]
async fn i18_an_expired_token_is_403_and_an_unknown_one_401() {
    let vendor = default();
    let tokens = vendor.issue();
    assert_eq!(vendor.api(&tokens.access_token).await, 200);
    vendor.expire_access_tokens();
    assert_eq!(vendor.api(&tokens.access_token).await, 403);
    assert_eq!(vendor.api("unknown").await, 401);
    // A replaced token counts as expired.
    let new = json(&vendor.refresh(&tokens.refresh_token).await);
    assert_eq!(vendor.api(&tokens.access_token).await, 403);
    assert_eq!(vendor.api(&text(&new, "access_token")).await, 200);

    let rfc = IOfficeOptions::default().rejected_status(RejectedStatus::Rfc6750);
    let rfc = ioffice(rfc);
    let token = rfc.issue().access_token;
    rfc.advance(Duration::from_secs(3601));
    assert_eq!(rfc.api(&token).await, 401);
    assert_eq!(rfc.api("unknown").await, 401);
}

#[tokio::test]
async fn i19_a_revoked_user_is_401_and_the_refresh_is_refused() {
    let vendor = default();
    let tokens = vendor.issue();
    vendor.revoke_user(DEFAULT_USER);
    assert_eq!(vendor.api(&tokens.access_token).await, 401);
    let refused = vendor.refresh(&tokens.refresh_token).await;
    assert_eq!(error(&refused), "invalid_grant");
}

#[tokio::test]
async fn the_token_is_read_from_its_header_or_the_query() {
    let vendor = default();
    let token = vendor.issue().access_token;
    let in_query = get(&vendor, REQUESTS.api, &[("access_token", &token)]).await;
    assert_eq!(in_query.status(), 200);
    assert_eq!(json(&in_query)["userName"], DEFAULT_USER);
    assert_eq!(bearer(&vendor, REQUESTS.api, &token).await, 401);
}

#[tokio::test]
async fn old_tokens_die_or_live_at_a_refresh() {
    let options = IOfficeOptions::default();
    for (options, live) in [(options.clone(), false), (options.old_tokens_live(), true)] {
        let vendor = ioffice(options);
        let tokens = vendor.issue();
        let new = json(&vendor.refresh(&tokens.refresh_token).await);
        assert_ne!(text(&new, "refresh_token"), tokens.refresh_token);
        assert_eq!(vendor.api(&tokens.access_token).await == 200, live);
        let again = vendor.refresh(&tokens.refresh_token).await;
        assert_eq!(again.status() == 200, live);
        // The client got a newer token, and should not have presented this one.
        assert_eq!(vendor.counters().presented_after_answer(), 1);
    }
}

#[tokio::test]
async fn i20_a_revocation_needs_only_x_token() {
    let vendor = default();
    let tokens = vendor.issue();
    let without = get_with(&vendor, REVOKE, &[]).await;
    assert_eq!(without.status(), 400);
    let revoked = ask_about(&vendor, REVOKE, &tokens.access_token).await;
    assert_eq!(revoked.status(), 200);
    assert_eq!(vendor.api(&tokens.access_token).await, 401);
    assert_eq!(vendor.counters().revocations, 2);
    // The refresh token lives until it is revoked too.
    let new = vendor.refresh(&tokens.refresh_token).await;
    assert_eq!(new.status(), 200);
    let token = text(&json(&new), "refresh_token");
    ask_about(&vendor, REVOKE, &token).await;
    assert_eq!(error(&vendor.refresh(&token).await), "invalid_grant");
}

#[tokio::test]
async fn a_revocation_may_be_a_post_and_end_both_tokens() {
    let options = IOfficeOptions::default().revoke_by_post();
    let vendor = ioffice(options.revocation_scope(RevocationScope::Grant));
    let tokens = vendor.issue();
    let by_get = ask_about(&vendor, REVOKE, &tokens.access_token).await;
    assert_eq!(by_get.status(), 405);
    let header = [("x-token", tokens.access_token.as_str())];
    vendor.send(headers_request(REVOKE, &header)).await;
    assert_eq!(vendor.api(&tokens.access_token).await, 401);
    let refused = vendor.refresh(&tokens.refresh_token).await;
    assert_eq!(error(&refused), "invalid_grant");
}

#[tokio::test]
async fn i22_the_direct_request_checks_user_and_password() {
    let user = User::new("bob").password("p ss");
    let vendor = Vendor {
        emulator: Emulator::ioffice().client(client()).user(user).in_process(),
        requests: REQUESTS,
    };
    let ask = async |login: &str, password: &str| {
        let headers = [
            ("content-type", "application/json"),
            ("x-auth-username", login),
            ("x-auth-password", password),
            ("x-client-id", "app"),
        ];
        let request = headers_request("/external/api/oauth2/auth", &headers);
        vendor.send(request).await
    };
    for (login, password, status) in [
        ("bob", "wrong", 401),
        ("eve", "p ss", 401),
        ("bob", "", 400),
    ] {
        let refused = ask(login, password).await;
        assert_eq!(refused.status(), status);
        assert!(json(&refused)["errorDescription"].is_string());
    }
    let code = text(&json(&ask("bob", "p ss").await), "code");
    assert_eq!(vendor.exchange(&code).await.status(), 200);
}

#[tokio::test]
async fn i25_the_token_endpoint_can_redirect_to_another_host() {
    let vendor = default();
    let token = vendor.issue().refresh_token;
    let elsewhere = "https://evil.test/collect";
    vendor.once(Endpoint::Token, Fault::Redirect(elsewhere.into()));
    assert_eq!(location(&vendor.refresh(&token).await), elsewhere);
    assert_eq!(vendor.refresh(&token).await.status(), 200);
}

#[tokio::test]
async fn token_information_and_errors_in_snake_case() {
    let vendor = ioffice(IOfficeOptions::default().snake_case_errors());
    let token = vendor.issue().access_token;
    let info = json(&ask_about(&vendor, INFO, &token).await);
    assert_eq!(info["client_id"], "app");
    assert_eq!(info["scope"], "email");
    assert_eq!(info["expires_in"], 3_600_000);
    let refused = ask_about(&vendor, INFO, "unknown").await;
    assert_eq!(refused.status(), 400);
    assert!(json(&refused)["error_description"].is_string());
}
