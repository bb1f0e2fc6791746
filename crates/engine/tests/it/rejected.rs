//! A token that the API rejects.

use std::time::Duration;

use http::{HeaderMap, Request, StatusCode};
use tokenkeeper_emulator::{DEFAULT_USER, Emulator, Endpoint, Fault as Broken};
use tokenkeeper_engine::{
    Error, EventKind, Options, Seen, TokenSource,
    protocol::{Client, Provider, Verdict},
};
use tokenkeeper_provider_amiqus::Amiqus;

use crate::harness::{World, call_with, drain, issued, settle};

const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;

#[tokio::test(start_paused = true)]
async fn a_hundred_late_rejections_cost_one_refresh() {
    let world = World::amiqus();
    let account = world.connected().await;
    let old = TokenSource::credential(&account, true).await.unwrap();
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
        assert_eq!(call_with(&world.emulator, &new).await, 200);
        world.pass(Duration::from_millis(10)).await;
    }
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_rejections_at_once_cost_one_refresh() {
    let world = World::amiqus();
    let account = world.connected().await;
    let old = TokenSource::credential(&account, true).await.unwrap();
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
async fn a_fresh_token_that_is_rejected_too_holds_refreshes_off() {
    let year = Emulator::amiqus();
    let world = World::new(year, crate::harness::amiqus(), Default::default());
    let account = world.connected().await;
    let mut events = world.accounts.events();
    let mut wait = Duration::from_secs(60);
    for round in 1..=8 {
        let old = TokenSource::credential(&account, true).await.unwrap();
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
        assert!(drain(&mut events).contains(&held_off), "{wait:?}");
        world.pass(wait - Duration::from_secs(1)).await;
        assert!(account.replacement(new.version()).await.unwrap().is_none());
        world.pass(Duration::from_secs(2)).await;
        account.status().await.unwrap();
        wait = (wait * 2).min(Duration::from_secs(3600));
    }
    // A response that is not rejected ends it.
    let old = TokenSource::credential(&account, true).await.unwrap();
    let new = account.replacement(old.version()).await.unwrap().unwrap();
    account.classify_response(new.version(), StatusCode::OK, &HeaderMap::new());
    let newer = account
        .replacement(new.version())
        .await
        .unwrap()
        .expect("a replay");
    account.classify_response(newer.version(), UNAUTHORIZED, &HeaderMap::new());
    let first = EventKind::RejectionsHeldOff {
        wait: Duration::from_secs(60),
    };
    assert!(drain(&mut events).contains(&first));
}

#[tokio::test(start_paused = true)]
async fn a15_a_user_who_revokes_leads_to_one_refresh_and_reauthorization() {
    let world = World::amiqus();
    let account = world.connected().await;
    world.emulator.revoke_user(DEFAULT_USER);
    let old = TokenSource::credential(&account, true).await.unwrap();
    assert_eq!(call_with(&world.emulator, &old).await, 401);
    for _ in 0..10 {
        let error = account.replacement(old.version()).await.unwrap_err();
        assert!(
            matches!(error, Error::ReauthorizationRequired { .. }),
            "{error:?}"
        );
    }
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a16_a_429_is_never_a_refresh_and_an_event_carries_the_wait() {
    let world = World::amiqus();
    let account = world.connected().await;
    let mut events = world.accounts.events();
    let sent = TokenSource::credential(&account, true).await.unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", "47".parse().unwrap());
    let verdict =
        account.classify_response(sent.version(), StatusCode::TOO_MANY_REQUESTS, &headers);
    let retry_after = Some(Duration::from_secs(47));
    assert_eq!(verdict, Verdict::RateLimited { retry_after });
    settle().await;
    assert_eq!(world.token_requests(), 0);
    assert!(drain(&mut events).contains(&EventKind::RateLimited { retry_after }));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_for_now_is_told_to_the_caller() {
    let world = World::amiqus();
    let account = world.connected().await;
    let fault = Broken::TooManyRequestsBare;
    world.emulator.faults().always(Endpoint::Token, fault);
    let old = TokenSource::credential(&account, true).await.unwrap();
    for _ in 0..2 {
        let error = account.replacement(old.version()).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
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
    let account = world.connected().await;
    let old = TokenSource::credential(&account, true).await.unwrap();
    account.report_rejection(old.version());
    settle().await;
    assert_eq!(world.token_requests(), 1);
    assert_ne!(account.try_credential(true).unwrap(), old);
}

#[tokio::test(start_paused = true)]
async fn a_later_token_that_is_accepted_ends_the_hold_off_too() {
    let year = Emulator::amiqus();
    let world = World::new(year, crate::harness::amiqus(), Default::default());
    let account = world.connected().await;
    let old = TokenSource::credential(&account, true).await.unwrap();
    let trial = account.replacement(old.version()).await.unwrap().unwrap();
    account.classify_response(trial.version(), UNAUTHORIZED, &HeaderMap::new());
    assert!(
        account
            .replacement(trial.version())
            .await
            .unwrap()
            .is_none()
    );
    // Not because of a rejection, so it is not on trial itself.
    account.refresh().await.unwrap();
    let later = TokenSource::credential(&account, true).await.unwrap();
    account.classify_response(later.version(), StatusCode::OK, &HeaderMap::new());
    assert!(
        account
            .replacement(later.version())
            .await
            .unwrap()
            .is_some()
    );
}

/// A provider that says of every response that it rejects the token.
#[derive(Debug)]
struct Refusing(Amiqus);

impl Provider for Refusing {
    fn client(&self) -> &Client {
        self.0.client()
    }

    fn read_resource(&self, _: StatusCode, _: &HeaderMap) -> Verdict {
        Verdict::Rejected
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_failure_rejects_no_token_whatever_the_provider_says() {
    let provider = Refusing(crate::harness::amiqus());
    let world = World::new(Emulator::amiqus(), provider, Options::default());
    let account = world.connected().await;
    let sent = TokenSource::credential(&account, true)
        .await
        .unwrap()
        .version();
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
async fn what_was_seen_of_one_account_is_not_sent_for_another() {
    let world = World::amiqus();
    let (alice, bob) = (world.connected().await, {
        let bob = world.accounts.account("amiqus", "bob").unwrap();
        bob.adopt(issued(&world.emulator)).await.unwrap();
        bob
    });
    let mut seen = Seen::default();
    for account in [&alice, &alice, &alice, &bob, &bob, &alice, &bob] {
        let token = account.token().await.unwrap();
        let mut request = Request::new(());
        let attached = account.attach_seen(&mut seen, &mut request, true);
        attached.unwrap().unwrap();
        let sent = request.headers()["authorization"].to_str().unwrap();
        assert_eq!(sent, format!("Bearer {}", token.expose()));
    }
}
