//! The counters and the log of an emulator.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_USER, Emulator, Endpoint, Error, Outcome,
    User,
};

use crate::support::{
    bearer, default_refresh, form, form_request, frozen, get, json, location, query, text,
};

fn refresh(token: &str) -> Request<Bytes> {
    form_request("/token", &default_refresh(token))
}

#[tokio::test]
async fn requests_are_counted_by_grant_outcome_and_status() {
    let emulator = Emulator::plain().in_process();
    let tokens = emulator.issue_tokens(DEFAULT_USER).unwrap();
    emulator.call(refresh(&tokens.refresh_token)).await.unwrap();
    emulator
        .call(form_request("/token", &[("grant_type", "password")]))
        .await
        .unwrap();
    emulator.call(form_request("/token", &[])).await.unwrap();
    bearer(&emulator, "/api/me", &tokens.access_token).await;
    bearer(&emulator, "/api/me", "wrong").await;
    let counters = emulator.counters();
    assert_eq!(
        (
            counters.token_requests,
            counters.refreshes(),
            counters.exchanges()
        ),
        (3, 1, 0)
    );
    assert_eq!((counters.grants("password"), counters.grants("")), (1, 1));
    assert_eq!(
        (
            counters.outcomes("granted"),
            counters.outcomes("invalid_client")
        ),
        (1, 2)
    );
    assert_eq!(
        (
            counters.api_calls,
            counters.api_status(200),
            counters.api_status(401)
        ),
        (2, 1, 1)
    );
    emulator.reset_counters();
    assert_eq!(emulator.counters().token_requests, 0);
    assert_eq!(emulator.counters().presentations.len(), 0);
}

#[tokio::test]
async fn a_presentation_after_a_response_is_counted() {
    let emulator = Emulator::plain().in_process();
    let old = emulator.issue_tokens(DEFAULT_USER).unwrap().refresh_token;
    let answer = emulator.call(refresh(&old)).await.unwrap();
    let new = text(&json(&answer), "refresh_token");
    emulator.call(refresh(&new)).await.unwrap();
    assert_eq!(emulator.counters().presented_after_answer(), 0);
    emulator.call(refresh(&old)).await.unwrap();
    let counters = emulator.counters();
    assert_eq!(counters.presented_after_answer(), 1);
    let of_old: Vec<_> = counters.presentations_of(&old).collect();
    assert_eq!(of_old.len(), 2);
    assert_eq!(of_old[0].outcome, Outcome::Granted { replaced: true });
    assert!(!of_old[0].after_answer && of_old[1].after_answer);
    assert!(of_old[0].ended_order.unwrap() < of_old[1].order);
    // The token is available to tests, but not printed.
    assert!(!format!("{counters:?}").contains(&old));
}

#[tokio::test]
async fn concurrent_presentations_are_counted() {
    let emulator = Emulator::plain().in_process();
    let tokens = emulator.issue_tokens(DEFAULT_USER).unwrap();
    let other = emulator.issue_tokens(DEFAULT_USER).unwrap();
    let gate = emulator.faults().hold(Endpoint::Token);
    let send = |token: &str| {
        let (emulator, request) = (emulator.clone(), refresh(token));
        tokio::spawn(async move { emulator.call(request).await.unwrap().status() })
    };
    let (one, another) = (send(&tokens.refresh_token), send(&other.refresh_token));
    gate.arrived(2).await;
    assert_eq!(emulator.counters().max_concurrent_presentations, 1);
    assert_eq!(
        emulator.counters().presentations[0].outcome,
        Outcome::InFlight
    );
    let twice = send(&tokens.refresh_token);
    gate.arrived(3).await;
    gate.release();
    for call in [one, another, twice] {
        call.await.unwrap();
    }
    let counters = emulator.counters();
    assert_eq!(counters.max_concurrent_presentations, 2);
    assert_eq!(counters.presentations[2].concurrent, 1);
    assert_eq!(counters.presented_after_answer(), 0);
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_stop_the_redemption() {
    let emulator = Emulator::plain().in_process();
    let token = emulator.issue_tokens(DEFAULT_USER).unwrap().refresh_token;
    let gate = emulator.faults().hold(Endpoint::Token);
    let call = tokio::spawn({
        let (emulator, request) = (emulator.clone(), refresh(&token));
        async move { emulator.call(request).await }
    });
    gate.arrived(1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert!(emulator.counters().presentations[0].abandoned.is_some());
    gate.release();
    let again = emulator.call(refresh(&token)).await.unwrap();
    assert_eq!(json(&again)["error"], "invalid_grant");
    let counters = emulator.counters();
    assert_eq!(
        counters.presentations[0].outcome,
        Outcome::Granted { replaced: true }
    );
    assert!(!counters.presentations[0].is_answered());
    // No client waited for the first any more, and none got its response.
    assert_eq!(
        (
            counters.max_concurrent_presentations,
            counters.presented_after_answer()
        ),
        (1, 0)
    );
}

#[tokio::test]
async fn requests_can_be_recorded() {
    let emulator = Emulator::plain().record_requests().in_process();
    emulator.call(refresh("sesame")).await.unwrap();
    let recorded = emulator.recorded_requests();
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0].uri().path(), "/token");
    assert!(
        recorded[0]
            .body()
            .starts_with(b"grant_type=refresh_token&refresh_token=sesame")
    );
    assert!(
        Emulator::plain()
            .in_process()
            .recorded_requests()
            .is_empty()
    );
}

#[tokio::test]
async fn lifetimes_and_the_base_url_can_be_set() {
    let emulator = Emulator::plain()
        .access_token_lifetime(Duration::from_secs(20))
        .refresh_token_lifetime(Some(Duration::from_secs(60)))
        .code_lifetime(Duration::from_secs(5))
        .base_url("https://id.example/")
        .clock(frozen)
        .in_process();
    assert_eq!(emulator.base(), "https://id.example");
    assert_eq!(
        emulator.url(Endpoint::Token).unwrap(),
        "https://id.example/token"
    );
    let tokens = emulator.issue_tokens(DEFAULT_USER).unwrap();
    assert_eq!(
        tokens.expires_at,
        Some(emulator.now() + Duration::from_secs(20))
    );
    let answer = json(&emulator.call(refresh(&tokens.refresh_token)).await.unwrap());
    assert_eq!(answer["expires_in"], 20);
    let pairs = [
        ("response_type", "code"),
        ("client_id", DEFAULT_CLIENT_ID),
        ("approve", "1"),
    ];
    let code = query(
        &location(&get(&emulator, "/authorize", &pairs).await),
        "code",
    )
    .unwrap();

    emulator.advance(Duration::from_secs(21));
    assert_eq!(
        bearer(&emulator, "/api/me", &text(&answer, "access_token")).await,
        401
    );
    emulator.rewind(Duration::from_secs(2));
    assert_eq!(
        bearer(&emulator, "/api/me", &text(&answer, "access_token")).await,
        200
    );
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("client_id", DEFAULT_CLIENT_ID),
        ("client_secret", DEFAULT_CLIENT_SECRET),
    ];
    assert_eq!(form(&emulator, "/token", &pairs).await.status(), 400);
    emulator.advance(Duration::from_secs(60));
    let refused = emulator
        .call(refresh(&text(&answer, "refresh_token")))
        .await
        .unwrap();
    assert_eq!(json(&refused)["error"], "invalid_grant");
}

#[tokio::test]
async fn ten_thousand_requests_in_process_are_all_counted() {
    let emulator = Emulator::plain().in_process();
    let access = emulator.issue_tokens(DEFAULT_USER).unwrap().access_token;
    let calls = (0..10_000).map(|_| {
        let (emulator, access) = (emulator.clone(), access.clone());
        tokio::spawn(async move { bearer(&emulator, "/api/me", &access).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert_eq!(emulator.counters().api_status(200), 10_000);
}

#[tokio::test]
async fn users_have_separate_grants() {
    let emulator = Emulator::plain()
        .user(User::new("ann"))
        .user(User::new("ben"))
        .in_process();
    let (ann, ben) = (
        emulator.issue_tokens("ann").unwrap(),
        emulator.issue_tokens("ben").unwrap(),
    );
    assert_eq!(emulator.revoke_user("ann"), 1);
    assert_eq!(emulator.revoke_user("ann"), 0);
    assert_eq!(bearer(&emulator, "/api/me", &ann.access_token).await, 401);
    assert_eq!(bearer(&emulator, "/api/me", &ben.access_token).await, 200);
    assert!(matches!(
        emulator.issue_tokens("eve"),
        Err(Error::UnknownUser { .. })
    ));
    assert!(!format!("{ann:?} {emulator:?}").contains(&ann.access_token));
}
