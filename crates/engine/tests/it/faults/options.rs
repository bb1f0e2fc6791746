//! Options at the ends of their ranges: refused by `build`, or usable.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokenkeeper_emulator::{Endpoint, Fault as Broken};
use tokenkeeper_engine::{Error, Options, TokenSource};
use tokio::time::sleep;

use super::seconds;
use crate::harness::{HOUR, World, call_with, issued, login};

type Change = fn(&mut Options);

const MAX: Duration = Duration::MAX;

const EXTREMES: [(&str, Change); 19] = [
    ("deadline: MAX", |options| options.deadline = MAX),
    ("lease: MAX", |options| options.lease = MAX),
    ("wait: MAX", |options| options.wait = MAX),
    ("stale_share: NaN", |options| options.stale_share = f64::NAN),
    ("stale_least: MAX", |options| options.stale_least = MAX),
    ("stale_most: MAX", |options| options.stale_most = MAX),
    ("stale_most: ZERO", |options| {
        options.stale_most = Duration::ZERO;
    }),
    ("floor: MAX", |options| options.floor = MAX),
    ("backoff_most: MAX", |options| options.backoff_most = MAX),
    ("patience: MAX", |options| options.patience = MAX),
    ("revalidation: MAX", |options| options.revalidation = MAX),
    ("revalidation: 1 ns", |options| {
        options.revalidation = Duration::from_nanos(1);
    }),
    ("validation_wait: MAX", |options| {
        options.validation_wait = MAX;
    }),
    ("store_retry: MAX", |options| options.store_retry = MAX),
    ("poll: MAX", |options| options.poll = MAX),
    ("idle: MAX", |options| options.idle = MAX),
    ("rejection_first: MAX", |options| {
        options.rejection_first = MAX;
    }),
    ("rejection_most: 30 s", |options| {
        options.rejection_most = seconds(30);
    }),
    ("flow: MAX", |options| options.flow = MAX),
];

/// What an account goes through: logins, failures, rejections, refreshes, and its end.
async fn life(options: Options) {
    let world = World::amiqus();
    let accounts = match world.builder().options(options).build() {
        Ok(accounts) => accounts,
        Err(Error::Build(_)) => return,
        Err(error) => panic!("{error:?}"),
    };
    let account = world.account_of(&accounts);
    account.adopt(issued(&world.emulator)).await.unwrap();
    login(&world.emulator, &account).await.unwrap();
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, Broken::TooManyRequestsBare);
    account.refresh().await.unwrap_err();
    sleep(seconds(10)).await;
    account.refresh().await.unwrap();
    let old = TokenSource::credential(&account, true).await.unwrap();
    let new = account.replacement(old.version()).await.unwrap().unwrap();
    for _ in 0..3 {
        account.classify_response(new.version(), StatusCode::UNAUTHORIZED, &HeaderMap::new());
        let _ = account.replacement(new.version()).await;
    }
    for _ in 0..5 {
        world.pass(HOUR).await;
        let credential = TokenSource::credential(&account, true).await.unwrap();
        assert_eq!(call_with(&world.emulator, &credential).await, 200);
    }
    account.disconnect().await.unwrap();
    let error = account.token().await.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn extreme_options_are_refused_or_work() {
    let mut failed = Vec::new();
    for (name, change) in EXTREMES {
        let mut options = Options::default();
        change(&mut options);
        if tokio::spawn(life(options)).await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[tokio::test(start_paused = true)]
async fn useless_options_are_refused() {
    let useless: [(&str, Change); 6] = [
        ("deadline", |options| options.deadline = Duration::ZERO),
        ("lease", |options| options.lease = Duration::ZERO),
        ("store_retry", |options| {
            options.store_retry = Duration::ZERO;
        }),
        ("poll", |options| options.poll = Duration::ZERO),
        ("revalidation", |options| {
            options.revalidation = Duration::ZERO;
        }),
        ("backoff_first", |options| options.backoff_first = MAX),
    ];
    let world = World::amiqus();
    for (name, change) in useless {
        let mut options = Options::default();
        change(&mut options);
        match world.builder().options(options).build() {
            Err(Error::Build(problem)) => assert!(problem.contains(name), "{problem}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}
