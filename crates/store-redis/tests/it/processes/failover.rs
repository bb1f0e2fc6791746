//! Failovers under Sentinel that lose writes: the process that made them writes its record back.

use std::time::{Duration, SystemTime};

use tokenkeeper_emulator::{DEFAULT_USER, Emulator, Endpoint};
use tokenkeeper_engine::{Accounts, Cause, Error, Status, Token};

use crate::sentinel_group::{SentinelGroup, opened};
use crate::storm::{account, engine_over, tokens};
use crate::support::keyring;

/// An account with an expired access token, also at the replica, and the process that connected it.
struct World {
    watched: SentinelGroup,
    emulator: Emulator,
    process: Accounts,
}

impl World {
    async fn start() -> Self {
        let watched = SentinelGroup::start();
        let emulator = Emulator::amiqus().start().await.expect("an emulator");
        let process = process(&watched, &emulator).await;
        let expired = tokens(&emulator, SystemTime::now() - Duration::from_secs(7200));
        account(&process).adopt(expired).await.expect("adopted");
        tokio::task::block_in_place(|| watched.replicate());
        Self {
            watched,
            emulator,
            process,
        }
    }

    fn cut_off(&self) {
        tokio::task::block_in_place(|| self.watched.cut_off());
    }

    fn lose_master(&mut self) {
        tokio::task::block_in_place(|| self.watched.lose_master());
    }

    /// Checks that another process gets `fresh`, without a second token request.
    async fn expect_served(&self, fresh: &Token) {
        let _ = status(&self.process).await;
        let another = self.another().await;
        let found = account(&another).token().await.expect("a token");
        assert_eq!(found.expose(), fresh.expose());
        assert_eq!(self.emulator.counters().token_requests, 1);
    }

    /// Starts a process that has not seen the time before the failover.
    async fn another(&self) -> Accounts {
        process(&self.watched, &self.emulator).await
    }
}

async fn process(watched: &SentinelGroup, emulator: &Emulator) -> Accounts {
    let options = watched.options();
    let store = opened(async || options.clone().open(keyring()).await).await;
    engine_over(store, emulator.base())
}

/// Returns the account's status once the process reaches the store.
async fn status(process: &Accounts) -> Status {
    loop {
        match account(process).status().await {
            Ok(status) => return status,
            Err(error) => {
                assert!(
                    matches!(&error, Error::Store { source, .. } if source.is_transient()),
                    "{error:?}"
                );
            }
        }
        tokio::task::yield_now().await;
    }
}

fn reauthorize(status: &Status) -> Option<&Cause> {
    match status {
        Status::Connected(connection) => connection.reauthorize.as_ref(),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_tokens_are_written_back() {
    let mut world = World::start().await;
    world.cut_off();
    let fresh = account(&world.process).token().await.expect("a token");
    world.lose_master();

    world.expect_served(&fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_lost_attempt_are_written_back() {
    let mut world = World::start().await;
    let answers = world.emulator.faults().hold_answers(Endpoint::Token);
    world.cut_off();
    let refreshing = tokio::spawn({
        let account = account(&world.process);
        async move { account.token().await }
    });
    answers.arrived(1).await;
    world.lose_master();
    answers.release();
    let fresh = refreshing.await.unwrap().expect("a token");

    world.expect_served(&fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_refusal_still_stands() {
    let mut world = World::start().await;
    world.emulator.revoke_user(DEFAULT_USER);
    world.cut_off();
    let refused = account(&world.process).token().await.unwrap_err();
    assert!(
        matches!(refused, Error::ReauthorizationRequired { .. }),
        "{refused:?}"
    );
    world.lose_master();

    assert!(reauthorize(&status(&world.process).await).is_some());
    let another = world.another().await;
    let refused = account(&another).token().await.unwrap_err();
    assert!(
        matches!(refused, Error::ReauthorizationRequired { .. }),
        "{refused:?}"
    );
    assert_eq!(world.emulator.counters().token_requests, 1);
}
