//! Tokens that the API rejects.

use std::time::Duration;

use http::{HeaderMap, Request, Response, StatusCode};
use tokenkeeper_emulator::{DEFAULT_USER, Emulator, Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{
    Error, EventKind, Options, Seen, TokenSource,
    protocol::{Client, Provider, Verdict},
};
use tokenkeeper_provider_amiqus::Amiqus;

use crate::harness::{
    BASE, World, amiqus, assert_err, call_api_with, credential, drain_events, issue_tokens,
    seconds, settle,
};

const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;

#[tokio::test(start_paused = true)]
async fn a_hundred_late_rejections_cost_one_refresh() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let old = credential(&account).await;
    world.emulator.expire_access_tokens();
    for _ in 0..100 {
        let verdict = account.classify_response(old.version(), UNAUTHORIZED, &HeaderMap::new());
        assert_eq!(verdict, Verdict::Rejected);
        let new = account
            .replacement(old.version())
            .await
            .unwrap()
            .expect("a replay");
        assert_ne!(new, old);
        assert_eq!(call_api_with(&world.emulator, &new).await, 200);
        world.advance(Duration::from_millis(10)).await;
    }
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_rejections_at_once_cost_one_refresh() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let old = credential(&account).await;
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (account, old) = (account.clone(), old.clone());
            tokio::spawn(async move { account.replacement(old.version()).await })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().unwrap().is_some());
    }
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_fresh_token_holds_off_refreshes() {
    let world = World::new(Emulator::amiqus(), amiqus(), Default::default());
    let account = world.connect_account().await;
    let mut events = world.accounts.events();
    let mut wait = seconds(60);
    for round in 1..=8 {
        let old = credential(&account).await;
        account.classify_response(old.version(), UNAUTHORIZED, &HeaderMap::new());
        let new = account
            .replacement(old.version())
            .await
            .unwrap()
            .expect("a replay");
        account.classify_response(new.version(), UNAUTHORIZED, &HeaderMap::new());
        assert!(account.replacement(new.version()).await.unwrap().is_none());
        assert_eq!(world.token_requests(), round);
        let held_off = EventKind::RejectionsHeldOff { wait };
        assert!(drain_events(&mut events).contains(&held_off), "{wait:?}");
        world.advance(wait - seconds(1)).await;
        assert!(account.replacement(new.version()).await.unwrap().is_none());
        world.advance(seconds(2)).await;
        account.status().await.unwrap();
        wait = (wait * 2).min(seconds(3600));
    }
    // An accepted response ends the hold-off.
    let old = credential(&account).await;
    let new = account.replacement(old.version()).await.unwrap().unwrap();
    account.classify_response(new.version(), StatusCode::OK, &HeaderMap::new());
    let newer = account
        .replacement(new.version())
        .await
        .unwrap()
        .expect("a replay");
    account.classify_response(newer.version(), UNAUTHORIZED, &HeaderMap::new());
    let first = EventKind::RejectionsHeldOff { wait: seconds(60) };
    assert!(drain_events(&mut events).contains(&first));
}

#[tokio::test(start_paused = true)]
async fn a15_a_revoked_grant_costs_one_refresh_and_reauthorization() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    world.emulator.revoke_user(DEFAULT_USER);
    let old = credential(&account).await;
    assert_eq!(call_api_with(&world.emulator, &old).await, 401);
    for _ in 0..10 {
        assert_err!(
            account.replacement(old.version()).await,
            Error::ReauthorizationRequired { .. }
        );
    }
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a16_a_429_starts_no_refresh_and_an_event_has_the_wait() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let mut events = world.accounts.events();
    let sent = credential(&account).await;
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", "47".parse().unwrap());
    let verdict =
        account.classify_response(sent.version(), StatusCode::TOO_MANY_REQUESTS, &headers);
    let retry_after = Some(seconds(47));
    assert_eq!(verdict, Verdict::RateLimited { retry_after });
    settle().await;
    assert_eq!(world.token_requests(), 0);
    assert!(drain_events(&mut events).contains(&EventKind::RateLimited { retry_after }));
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_is_returned_to_the_caller() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let fault = EndpointFault::TooManyRequestsBare;
    world.emulator.faults().always(Endpoint::Token, fault);
    let old = credential(&account).await;
    for _ in 0..2 {
        assert_err!(
            account.replacement(old.version()).await,
            Error::Unavailable { .. }
        );
    }
    assert_eq!(
        world.token_requests(),
        1,
        "the backoff holds for rejections too"
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_replayed_still_starts_the_refresh() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let old = credential(&account).await;
    account.report_rejection(old.version());
    settle().await;
    assert_eq!(world.token_requests(), 1);
    assert_ne!(account.try_credential(true).unwrap(), old);
}

#[tokio::test(start_paused = true)]
async fn an_accepted_later_token_ends_the_hold_off() {
    let world = World::new(Emulator::amiqus(), amiqus(), Default::default());
    let account = world.connect_account().await;
    let old = credential(&account).await;
    let trial = account.replacement(old.version()).await.unwrap().unwrap();
    account.classify_response(trial.version(), UNAUTHORIZED, &HeaderMap::new());
    assert!(
        account
            .replacement(trial.version())
            .await
            .unwrap()
            .is_none()
    );
    // This refresh has no rejection as its cause, so its token is not on trial.
    account.refresh().await.unwrap();
    let later = credential(&account).await;
    account.classify_response(later.version(), StatusCode::OK, &HeaderMap::new());
    assert!(
        account
            .replacement(later.version())
            .await
            .unwrap()
            .is_some()
    );
}

/// A provider that reads every response as a rejection.
#[derive(Debug)]
struct RejectingProvider(Amiqus);

impl Provider for RejectingProvider {
    fn client(&self) -> &Client {
        self.0.client()
    }

    fn read_resource_response(&self, _: StatusCode, _: &HeaderMap) -> Verdict {
        Verdict::Rejected
    }
}

#[tokio::test(start_paused = true)]
async fn a_non_error_response_never_rejects_the_token() {
    let provider = RejectingProvider(amiqus());
    let world = World::new(Emulator::amiqus(), provider, Options::default());
    let account = world.connect_account().await;
    let sent = credential(&account).await.version();
    let read = |status| {
        let status = StatusCode::from_u16(status).unwrap();
        account.classify_response(sent, status, &HeaderMap::new())
    };
    for status in [200, 204, 302, 304] {
        assert_eq!(read(status), Verdict::Accepted, "{status}");
    }
    for status in [400, 401, 403, 404, 500] {
        assert_eq!(read(status), Verdict::Rejected, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn grpcs_unauthenticated_in_the_head_is_a_rejection() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let sent = credential(&account).await.version();
    let read = |status, content_type, grpc_status| {
        let head = Response::builder().status(status);
        let head = head.header("content-type", content_type);
        let head = head.header("grpc-status", grpc_status).body(()).unwrap();
        account.classify_response(sent, head.status(), head.headers())
    };
    for grpc in [
        "application/grpc",
        "application/grpc+proto",
        "Application/gRPC-web",
    ] {
        assert_eq!(read(200, grpc, "16"), Verdict::Rejected, "{grpc}");
        // Says more than the HTTP status, which a proxy may have chosen.
        assert_eq!(read(503, grpc, "16"), Verdict::Rejected, "{grpc}");
        for other in ["0", "7", "8", "016", "160", ""] {
            assert_eq!(read(200, grpc, other), Verdict::Accepted, "{grpc} {other}");
        }
    }
    for other in [
        "application/json",
        "application/grp",
        "text/plain; application/grpc",
        "",
    ] {
        assert_eq!(read(200, other, "16"), Verdict::Accepted, "{other}");
    }
}

#[tokio::test(start_paused = true)]
async fn grpcs_unauthenticated_counts_against_a_token_on_trial() {
    let world = World::new(Emulator::amiqus(), amiqus(), Default::default());
    let account = world.connect_account().await;
    let old = credential(&account).await;
    let trial = account.replacement(old.version()).await.unwrap().unwrap();
    let refusal = Response::builder().header("content-type", "application/grpc");
    let refusal = refusal.header("grpc-status", "16").body(()).unwrap();
    account.classify_response(trial.version(), StatusCode::OK, refusal.headers());
    let replacement = account.replacement(trial.version()).await.unwrap();
    assert!(replacement.is_none(), "refreshes are held off");
}

#[tokio::test(start_paused = true)]
async fn a_cached_token_is_not_sent_for_another_account() {
    let world = World::amiqus();
    let (alice, bob) = (world.connect_account().await, {
        let bob = world.accounts.account("amiqus", "bob").unwrap();
        bob.adopt(issue_tokens(&world.emulator)).await.unwrap();
        bob
    });
    let target = format!("{BASE}/me").parse().unwrap();
    let (mut seen, mut remembered) = (Seen::default(), 0);
    for account in [&alice, &alice, &alice, &bob, &bob, &alice, &bob] {
        let token = account.token().await.unwrap();
        let mut request = Request::new(());
        let attached = match seen.token_of(account, &target) {
            Some(token) => token.attach(&mut request),
            None => {
                seen.remember(account);
                account.fresh(true).unwrap().attach(&mut request)
            }
        };
        attached.unwrap();
        remembered += usize::from(!seen.is_empty());
        let sent = request.headers()["authorization"].to_str().unwrap();
        assert_eq!(sent, format!("Bearer {}", token.expose()));
    }
    assert_eq!(remembered, 6, "from the second request on");
}
