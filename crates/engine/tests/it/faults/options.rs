//! Extreme options: refused by `build`, or usable.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokenkeeper_emulator::{Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{Error, Options, TokenSource};
use tokio::time::sleep;

use crate::harness::{
    HOUR, World, assert_err, call_api_with, credential, issue_tokens, login, seconds,
};

type Change = fn(Options) -> Options;

const MAX: Duration = Duration::MAX;
const ZERO: Duration = Duration::ZERO;

const EXTREMES: [(&str, Change); 19] = [
    ("exchange_timeout: MAX", |it| it.exchange_timeout(MAX)),
    ("lease: MAX", |it| it.lease(MAX)),
    ("acquire_timeout: MAX", |it| it.acquire_timeout(MAX)),
    ("refresh_fraction: NaN", |it| it.refresh_fraction(f64::NAN)),
    ("refresh_window: MAX to MAX", |it| {
        it.refresh_window(MAX, MAX)
    }),
    ("refresh_window: 30 s to MAX", |it| {
        it.refresh_window(seconds(30), MAX)
    }),
    ("refresh_window: 30 s to 0", |it| {
        it.refresh_window(seconds(30), ZERO)
    }),
    ("min_refresh_interval: MAX", |it| {
        it.min_refresh_interval(MAX)
    }),
    ("max_backoff: MAX", |it| it.max_backoff(MAX)),
    ("suspect_timeout: MAX", |it| it.suspect_timeout(MAX)),
    ("revalidate_interval: MAX", |it| it.revalidate_interval(MAX)),
    ("revalidate_interval: 1 ns", |it| {
        it.revalidate_interval(Duration::from_nanos(1))
    }),
    ("revalidate_timeout: MAX", |it| it.revalidate_timeout(MAX)),
    ("store_retry_interval: MAX", |it| {
        it.store_retry_interval(MAX)
    }),
    ("poll_interval: MAX", |it| it.poll_interval(MAX)),
    ("idle_timeout: MAX", |it| it.idle_timeout(MAX)),
    ("initial_rejection_backoff: MAX", |it| {
        it.initial_rejection_backoff(MAX)
    }),
    ("max_rejection_backoff: 30 s", |it| {
        it.max_rejection_backoff(seconds(30))
    }),
    ("login_timeout: MAX", |it| it.login_timeout(MAX)),
];

/// Runs an account through logins, failures, rejections, refreshes and a disconnect.
async fn life(options: Options) {
    let world = World::amiqus();
    let accounts = match world.builder().options(options).build() {
        Ok(accounts) => accounts,
        Err(Error::Build(_)) => return,
        Err(error) => panic!("{error:?}"),
    };
    let account = world.account_of(&accounts);
    account.adopt(issue_tokens(&world.emulator)).await.unwrap();
    login(&world.emulator, &account).await.unwrap();
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, EndpointFault::TooManyRequestsBare);
    account.refresh().await.unwrap_err();
    sleep(seconds(10)).await;
    account.refresh().await.unwrap();
    let old = credential(&account).await;
    let new = account.replacement(old.version()).await.unwrap().unwrap();
    for _ in 0..3 {
        account.classify_response(new.version(), StatusCode::UNAUTHORIZED, &HeaderMap::new());
        let _ = account.replacement(new.version()).await;
    }
    for _ in 0..5 {
        world.advance(HOUR).await;
        let credential = credential(&account).await;
        assert_eq!(call_api_with(&world.emulator, &credential).await, 200);
    }
    account.disconnect().await.unwrap();
    assert_err!(account.token().await, Error::Disconnected { .. });
}

#[tokio::test(start_paused = true)]
async fn extreme_options_are_refused_or_work() {
    let mut failed = Vec::new();
    for (name, change) in EXTREMES {
        if tokio::spawn(life(change(Options::new()))).await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
