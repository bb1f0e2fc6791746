//! Endpoints, the place and the names of parameters, and what is required.

use bytes::Bytes;
use http::Request;
use tokenkeeper_emulator::{Endpoint, ParameterPlace, PlainOptions};

use super::json_request;
use crate::plain::{REQUESTS, plain};
use crate::support::{
    CALLBACK, Requests, Vendor, body, error, exchange_form, form, form_of, form_request, get,
    location, query, set, with,
};

const QUERY: Requests = Requests {
    token_request: |path, pairs| {
        Request::post(format!("{path}?{}", form_of(pairs)))
            .body(Bytes::new())
            .unwrap()
    },
    ..REQUESTS
};

const JSON: Requests = Requests {
    token_request: json_request,
    ..REQUESTS
};

/// Sends the parameters of an exchange and a refresh, and returns the statuses.
async fn statuses(vendor: &Vendor, requests: Requests) -> [u16; 2] {
    let (code, issued) = (vendor.code().await, vendor.issue());
    let vendor = Vendor {
        emulator: vendor.emulator.clone(),
        requests,
    };
    let exchanged = vendor.exchange(&code).await.status();
    let refreshed = vendor.refresh(&issued.refresh_token).await.status();
    [exchanged.as_u16(), refreshed.as_u16()]
}

#[tokio::test]
async fn json_requests_are_no_forms() {
    let vendor = plain(PlainOptions::default().token_parameters(ParameterPlace::Json));
    assert_eq!(statuses(&vendor, JSON).await, [200, 200]);
    assert_eq!(vendor.counters().presentations.len(), 1);
    assert_eq!(statuses(&vendor, REQUESTS).await, [400, 400]);
    // A form that claims to be JSON.
    let mut mislabelled = form_request("/token", &exchange_form("c"));
    set(&mut mislabelled, "content-type", "application/json");
    assert_eq!(error(&vendor.send(mislabelled).await), "invalid_request");
    for broken in ["", "[]", "{\"code\":{}}", "{\"code\":[]}"] {
        let mut request = json_request("/token", &[]);
        *request.body_mut() = broken.into();
        assert_eq!(
            error(&vendor.send(request).await),
            "invalid_request",
            "{broken}"
        );
    }
}

#[tokio::test]
async fn json_numbers_are_parameters() {
    let options = PlainOptions::default().token_parameters(ParameterPlace::Json);
    let vendor = plain(options.require_refresh_parameter("expiring", "1"));
    let mut request = json_request("/token", &[]);
    let token = vendor.issue().refresh_token;
    *request.body_mut() = format!(
        "{{\"grant_type\":\"refresh_token\",\"refresh_token\":\"{token}\",\
         \"client_id\":\"app\",\"client_secret\":\"s3&cret\",\"expiring\":1}}"
    )
    .into();
    assert_eq!(vendor.send(request).await.status(), 200);
}

#[tokio::test]
async fn query_requests_have_no_body() {
    let vendor = plain(PlainOptions::default().token_parameters(ParameterPlace::Query));
    assert_eq!(statuses(&vendor, QUERY).await, [200, 200]);
    assert_eq!(statuses(&vendor, REQUESTS).await, [401, 401]);
    let forms = plain(PlainOptions::default());
    assert_eq!(statuses(&forms, QUERY).await, [400, 400]);
}

#[tokio::test]
async fn refreshes_have_another_path() {
    let vendor = plain(PlainOptions::default().refresh_path("/refresh"));
    let code = vendor.code().await;
    let issued = vendor.issue().refresh_token;
    let wrong = vendor.refresh(&issued).await;
    assert_eq!(error(&wrong), "unsupported_grant_type");
    let wrong = form(&vendor, "/refresh", &exchange_form(&code)).await;
    assert_eq!(error(&wrong), "unsupported_grant_type");
    assert_eq!(vendor.exchange(&code).await.status(), 200);
    vendor.reset_counters();

    let named = (REQUESTS.refresh)(&issued);
    assert_eq!(form(&vendor, "/refresh", &named).await.status(), 200);
    let issued = vendor.issue().refresh_token;
    let mut unnamed = (REQUESTS.refresh)(&issued);
    unnamed.retain(|(name, _)| *name != "grant_type");
    assert_eq!(form(&vendor, "/refresh", &unnamed).await.status(), 200);
    assert_eq!(vendor.counters().refreshes(), 2);
    assert_eq!(vendor.counters().presentations.len(), 2);
    let nothing = form(&vendor, "/token", &unnamed).await;
    assert_eq!(error(&nothing), "invalid_request");
}

#[tokio::test]
async fn every_endpoint_can_move() {
    let moved = [
        (Endpoint::Authorize, "/o/authorize"),
        (Endpoint::Token, "/o/token"),
        (Endpoint::Api, "/v1/me"),
        (Endpoint::Revoke, "/o/revoke"),
        (Endpoint::Introspect, "/o/introspect"),
    ];
    let options = moved
        .iter()
        .fold(PlainOptions::default(), |options, (endpoint, path)| {
            options.path(*endpoint, *path)
        });
    let vendor = plain(options);
    for (endpoint, path) in moved {
        assert_eq!(
            vendor.url(endpoint).unwrap(),
            format!("{}{path}", vendor.base())
        );
    }
    let vendor = Vendor {
        emulator: vendor.emulator,
        requests: Requests {
            authorize: "/o/authorize",
            token: "/o/token",
            api: "/v1/me",
            ..REQUESTS
        },
    };
    let issued = vendor.issue();
    assert_eq!(statuses(&vendor, vendor.requests).await, [200, 200]);
    assert_eq!(vendor.api(&issued.access_token).await, 200);
    assert_eq!(get(&vendor, "/authorize", &[]).await.status(), 404);
    let counters = vendor.counters();
    assert_eq!((counters.token_requests, counters.api_calls), (2, 1));
    assert_eq!(
        (counters.authorize_requests, counters.other_requests),
        (1, 1)
    );
}

#[tokio::test]
async fn a_parameter_can_have_another_name() {
    let vendor = plain(PlainOptions::default().parameter_name("client_id", "client_key"));
    assert_eq!(vendor.authorize(&[]).await.status(), 400);
    let pairs = [
        ("response_type", "code"),
        ("client_key", "app"),
        ("redirect_uri", CALLBACK),
    ];
    let page = get(&vendor, "/authorize", &pairs).await;
    assert!(body(&page).contains("name=\"client_key\" value=\"app\""));
    let approved = get(
        &vendor,
        "/authorize",
        &with(pairs.to_vec(), &[("approve", "1")]),
    )
    .await;
    let code = query(&location(&approved), "code").unwrap();
    assert_eq!(error(&vendor.exchange(&code).await), "invalid_client");
    let mut pairs = exchange_form(&code);
    pairs
        .iter_mut()
        .find(|(name, _)| *name == "client_id")
        .unwrap()
        .0 = "client_key";
    assert_eq!(vendor.token(&pairs).await.status(), 200);
}

#[tokio::test]
async fn parameters_can_be_required() {
    let vendor = plain(
        PlainOptions::default()
            .require_authorization_parameter("audience", "api")
            .require_code_parameter("request", "token")
            .require_refresh_parameter("expiring", "1"),
    );
    for wrong in [&[][..], &[("audience", "web")]] {
        let refused = query(&vendor.redirect(wrong).await, "error");
        assert_eq!(refused.unwrap(), "invalid_request");
    }
    let approved = vendor
        .redirect(&[("audience", "api"), ("approve", "1")])
        .await;
    let code = query(&approved, "code").unwrap();
    assert_eq!(error(&vendor.exchange(&code).await), "invalid_request");
    let exchanged = vendor.exchange_with(&code, &[("request", "token")]).await;
    assert_eq!(exchanged.status(), 200);
    let token = vendor.issue().refresh_token;
    let wrong = vendor.refresh_with(&token, &[("expiring", "0")]).await;
    assert_eq!(error(&wrong), "invalid_request");
    assert_eq!(error(&vendor.refresh(&token).await), "invalid_request");
    let refreshed = vendor.refresh_with(&token, &[("expiring", "1")]).await;
    assert_eq!(refreshed.status(), 200);
}

#[tokio::test]
async fn token_requests_can_require_a_header() {
    let vendor = plain(PlainOptions::default().require_token_header("x-version", "2"));
    let token = vendor.issue().refresh_token;
    for (version, status) in [(None, 400), (Some("1"), 400), (Some("2"), 200)] {
        let mut request = form_request("/token", &(REQUESTS.refresh)(&token));
        if let Some(version) = version {
            set(&mut request, "x-version", version);
        }
        assert_eq!(vendor.send(request).await.status(), status, "{version:?}");
    }
}

#[tokio::test]
async fn only_offline_access_has_a_refresh_token() {
    let vendor = plain(PlainOptions::default().offline_parameter("access_type", "offline"));
    for (access, refreshes) in [
        (None, false),
        (Some("online"), false),
        (Some("offline"), true),
    ] {
        let mut pairs = vec![("approve", "1")];
        pairs.extend(access.map(|access| ("access_type", access)));
        let code = query(&vendor.redirect(&pairs).await, "code").unwrap();
        let tokens = crate::support::json(&vendor.exchange(&code).await);
        assert_eq!(
            tokens.get("refresh_token").is_some(),
            refreshes,
            "{access:?}"
        );
        assert_eq!(tokens["expires_in"], 3600);
        let access_token = tokens["access_token"].as_str().unwrap();
        assert_eq!(vendor.api(access_token).await, 200);
        // The code is spent in either case.
        assert_eq!(error(&vendor.exchange(&code).await), "invalid_grant");
    }
}

#[tokio::test]
async fn a_grant_type_may_be_implied() {
    for (options, status) in [
        (PlainOptions::default(), 400),
        (PlainOptions::default().optional_grant_type(), 200),
    ] {
        let vendor = plain(options);
        let (code, token) = (vendor.code().await, vendor.issue().refresh_token);
        for mut pairs in [exchange_form(&code), (REQUESTS.refresh)(&token)] {
            pairs.retain(|(name, _)| *name != "grant_type");
            assert_eq!(vendor.token(&pairs).await.status(), status);
        }
        let counters = vendor.counters();
        let seen = u64::from(status == 200);
        assert_eq!((counters.exchanges(), counters.refreshes()), (seen, seen));
        let neither = [("client_id", "app"), ("client_secret", "s3&cret")];
        assert_eq!(error(&vendor.token(&neither).await), "invalid_request");
    }
}

#[tokio::test]
async fn an_exchange_may_ignore_the_redirect_uri() {
    for (options, status) in [
        (PlainOptions::default(), 400),
        (PlainOptions::default().ignore_redirect_uri(), 200),
    ] {
        let vendor = plain(options);
        let code = vendor.code().await;
        let mut pairs = exchange_form(&code);
        pairs.retain(|(name, _)| *name != "redirect_uri");
        assert_eq!(vendor.token(&pairs).await.status(), status);
    }
}
