//! Faults, in process and with tokio's paused time.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::json as value;
use tokenkeeper_emulator::{Cut, DEFAULT_USER, Emulator, Endpoint, Fault, Outcome, TokioClock};
use tokio::time::Instant;

use crate::support::{bearer, default_refresh, form_request, json, text};

fn refresh(token: &str) -> Request<Bytes> {
    form_request("/api/oauth2/oauth2/token", &default_refresh(token))
}

/// Switches a fault on and refreshes; returns the emulator, the refresh token and the response.
async fn with_fault(fault: Fault) -> (Emulator, String, Result<Response<Bytes>, Cut>) {
    let emulator = Emulator::qics().in_process();
    let token = emulator.issue_tokens(DEFAULT_USER).unwrap().refresh_token;
    emulator.faults().once(Endpoint::Token, fault);
    let answer = emulator.call(refresh(&token)).await;
    (emulator, token, answer)
}

#[tokio::test]
async fn faults_before_processing_leave_the_refresh_token_alive() {
    for (fault, status) in [
        (Fault::ServerError, 500),
        (Fault::HtmlServerError, 500),
        (Fault::HtmlBadRequest, 400),
        (Fault::LoginRedirect, 302),
        (Fault::Redirect("https://elsewhere.test/".into()), 302),
        (Fault::TooManyRequests { retry_after: 3 }, 429),
        (Fault::TooManyRequestsBare, 429),
        (
            Fault::Unavailable {
                retry_after: Some(5),
            },
            503,
        ),
        (Fault::Unavailable { retry_after: None }, 503),
        (Fault::json(418, &value!({"error": "teapot"})), 418),
        (Fault::status(404), 404),
    ] {
        let name = fault.name();
        let (emulator, token, answer) = with_fault(fault).await;
        assert_eq!(answer.unwrap().status().as_u16(), status, "{name}");
        assert_eq!(
            emulator.counters().presentations[0].outcome,
            Outcome::Faulted { fault: name }
        );
        assert_eq!(emulator.counters().outcomes(&format!("fault:{name}")), 1);
        assert_eq!(
            emulator.call(refresh(&token)).await.unwrap().status(),
            200,
            "{name}"
        );
    }
}

#[tokio::test]
async fn waits_are_in_headers() {
    let (emulator, _, answer) = with_fault(Fault::TooManyRequests { retry_after: 47 }).await;
    let headers = answer.unwrap().headers().clone();
    assert_eq!(
        (&headers["retry-after"], &headers["x-ratelimit-remaining"]),
        (&value("47"), &value("0"))
    );
    let reset: u64 = headers["x-ratelimit-reset"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let now = emulator
        .now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    assert!(reset >= now + 46);
    let bare = with_fault(Fault::TooManyRequestsBare).await.2.unwrap();
    assert!(!bare.headers().contains_key("retry-after"));
    let busy = with_fault(Fault::Unavailable {
        retry_after: Some(5),
    })
    .await
    .2
    .unwrap();
    assert_eq!(busy.headers()["retry-after"], "5");

    fn value(text: &'static str) -> http::HeaderValue {
        http::HeaderValue::from_static(text)
    }
}

#[tokio::test]
async fn cuts_happen_before_or_after_processing() {
    for (fault, alive) in [
        (Fault::CutBeforeBody, true),
        (Fault::CutAfterBody, true),
        (Fault::CutBeforeAnswer, false),
        (Fault::CutDuringAnswer, false),
    ] {
        let name = fault.name();
        let (emulator, token, answer) = with_fault(fault).await;
        assert!(matches!(answer, Err(Cut { .. })), "{name}");
        assert_eq!(emulator.counters().outcomes(&format!("fault:{name}")), 1);
        assert_eq!(
            emulator.call(refresh(&token)).await.unwrap().status() == 200,
            alive,
            "{name}"
        );
        assert_eq!(emulator.counters().presented_after_answer(), 0);
    }
}

#[tokio::test]
async fn damaged_responses_follow_the_rotation() {
    let refused = |body: &Bytes| serde_json::from_slice::<serde_json::Value>(body).is_err();
    let large = |body: &Bytes| {
        body.len() > 10_000_000 && serde_json::from_slice::<serde_json::Value>(body).is_ok()
    };
    type Check<'a> = &'a dyn Fn(&Bytes) -> bool;
    let checks: [(Fault, Check<'_>); 6] = [
        (Fault::Truncated, &refused),
        (Fault::Empty, &|body| body.is_empty()),
        (Fault::Oversized, &large),
        (Fault::InvalidUtf8, &|body| {
            std::str::from_utf8(body).is_err()
        }),
        (Fault::ContentType("image/png".into()), &|body| {
            !body.is_empty()
        }),
        (
            Fault::AnswerInstead(Response::new(Bytes::from_static(b"<p>"))),
            &|body| body == "<p>",
        ),
    ];
    for (fault, check) in checks {
        let name = fault.name();
        let (emulator, token, answer) = with_fault(fault).await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(
            check(answer.body()),
            "{name}: {:?}",
            answer.body().get(..100)
        );
        assert_eq!(
            emulator.counters().presentations[0].outcome,
            Outcome::GrantedUnanswered { fault: name }
        );
        assert_eq!(
            emulator.call(refresh(&token)).await.unwrap().status(),
            400,
            "{name}"
        );
    }
}

#[tokio::test]
async fn f12_fields_of_the_response_can_be_set_and_omitted() {
    for expires_in in [
        value!("3600"),
        value!(0),
        value!(-1),
        value!(1e99),
        value!("abc"),
        value!(null),
    ] {
        let (_, _, answer) = with_fault(Fault::field("expires_in", expires_in.clone())).await;
        assert_eq!(json(&answer.unwrap())["expires_in"], expires_in);
    }
    let (emulator, _, answer) = with_fault(Fault::Without("expires_in".into())).await;
    let tokens = json(&answer.unwrap());
    assert!(tokens.get("expires_in").is_none());
    assert_eq!(emulator.counters().outcomes("granted"), 1);
    let (_, _, answer) = with_fault(Fault::field("access_token", "a\r\nx: y")).await;
    assert_eq!(text(&json(&answer.unwrap()), "access_token"), "a\r\nx: y");
}

#[tokio::test]
async fn faults_are_counted_down_in_order_and_cleared() {
    let emulator = Emulator::qics().in_process();
    let access = emulator.issue_tokens(DEFAULT_USER).unwrap().access_token;
    let call = async || bearer(&emulator, "/api/projects", &access).await;
    emulator.faults().next(Endpoint::Api, 2, Fault::status(401));
    emulator.faults().once(Endpoint::Api, Fault::status(402));
    emulator.faults().next(Endpoint::Api, 0, Fault::status(418));
    emulator.faults().once(Endpoint::Token, Fault::ServerError);
    assert_eq!(
        [call().await, call().await, call().await, call().await],
        [401, 401, 402, 200]
    );
    emulator.faults().always(Endpoint::Api, Fault::status(403));
    assert_eq!([call().await, call().await], [403, 403]);
    emulator.faults().clear(Endpoint::Api);
    assert_eq!(call().await, 200);
    emulator.faults().clear_all();
    assert_eq!(
        emulator.call(refresh("unknown")).await.unwrap().status(),
        400
    );
}

#[tokio::test]
async fn fields_of_api_responses_can_be_set_too() {
    let emulator = Emulator::ioffice().in_process();
    emulator
        .faults()
        .once(Endpoint::Api, Fault::field("error", "other"));
    let request = Request::get("/external/api/rest/v2/users/me")
        .body(Bytes::new())
        .unwrap();
    assert_eq!(
        json(&emulator.call(request).await.unwrap())["error"],
        "other"
    );
    let emulator = Emulator::amiqus().in_process();
    emulator
        .faults()
        .once(Endpoint::Api, Fault::field("error", "other"));
    let request = Request::get("/api/v2/me").body(Bytes::new()).unwrap();
    assert_eq!(
        json(&emulator.call(request).await.unwrap())["error"],
        "other"
    );
}

#[tokio::test(start_paused = true)]
async fn delays_follow_tokios_time_and_combine_with_a_fault() {
    let emulator = Emulator::qics().clock(TokioClock::new()).in_process();
    let tokens = emulator.issue_tokens(DEFAULT_USER).unwrap();
    let start = Instant::now();
    emulator
        .faults()
        .once(Endpoint::Token, Fault::Delay(Duration::from_secs(20)));
    emulator.faults().once(Endpoint::Token, Fault::ServerError);
    assert_eq!(
        emulator
            .call(refresh(&tokens.refresh_token))
            .await
            .unwrap()
            .status(),
        500
    );
    assert_eq!(start.elapsed().as_secs(), 20);
    emulator
        .faults()
        .once(Endpoint::Api, Fault::DelayAnswer(Duration::from_secs(10)));
    assert_eq!(
        bearer(&emulator, "/api/projects", &tokens.access_token).await,
        200
    );
    assert_eq!(start.elapsed().as_secs(), 30);
    // The emulator's tokens age by the same clock.
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(
        bearer(&emulator, "/api/projects", &tokens.access_token).await,
        401
    );
}

#[tokio::test(start_paused = true)]
async fn a_gate_holds_requests_until_it_is_released() {
    let emulator = Emulator::qics().in_process();
    let tokens = emulator.issue_tokens(DEFAULT_USER).unwrap();
    let gate = emulator.faults().hold(Endpoint::Api);
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let (emulator, access) = (emulator.clone(), tokens.access_token.clone());
            tokio::spawn(async move { bearer(&emulator, "/api/projects", &access).await })
        })
        .collect();
    gate.arrived(3).await;
    assert_eq!(gate.arrivals(), 3);
    // They are processed when they pass.
    gate.let_through(1);
    emulator.faults().clear_all();
    tokio::time::sleep(Duration::from_secs(1)).await;
    emulator.expire_access_tokens();
    gate.release();
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401, 401]);
    assert_eq!(
        bearer(&emulator, "/api/projects", &tokens.access_token).await,
        401
    );
    assert_eq!(gate.arrivals(), 3);
}

#[tokio::test]
async fn a_gate_holds_responses_and_opens_when_dropped() {
    let emulator = Emulator::qics().in_process();
    let tokens = emulator.issue_tokens(DEFAULT_USER).unwrap();
    let gate = emulator.faults().hold_answers(Endpoint::Token);
    let call = tokio::spawn({
        let (emulator, request) = (emulator.clone(), refresh(&tokens.refresh_token));
        async move { emulator.call(request).await.unwrap() }
    });
    gate.arrived(1).await;
    assert_eq!(
        bearer(&emulator, "/api/projects", &tokens.access_token).await,
        401
    );
    assert!(!call.is_finished());
    drop(gate);
    assert_eq!(call.await.unwrap().status(), 200);
}
