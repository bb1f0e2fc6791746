//! A stored record is refused, or survives another round, and a machine can start from it.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};
use tokenkeeper_refresh::{
    Account, Context, EngineInstant, Id, Input, Payload, Place, Record, RefreshLifetime, Rules,
    StoreAnswer, StoreDown, Times, compare_records, retention,
};
use tokenkeeper_store::Version;

/// A token set that is only what the protocol reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tokens {
    refresh: Option<u64>,
    issued_at: u64,
    expires_at: Option<u64>,
}

impl Payload for Tokens {
    fn refresh_digest(&self) -> Option<u64> {
        self.refresh
    }

    fn times(&self) -> Times {
        Times {
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            ..Times::default()
        }
    }
}

fuzz_target!(|input: (u64, &[u8])| {
    let (wall, bytes) = input;
    let Ok(record) = serde_json::from_slice::<Record<Tokens>>(bytes) else {
        return;
    };
    let written = serde_json::to_vec(&record).expect("it was read");
    let again: Record<Tokens> = serde_json::from_slice(&written).expect("it was written");
    assert_eq!(again, record);
    let _ = compare_records(&record, &again);
    let rules = rules();
    let _ = retention(&record, &rules, Place([3, 5]), wall);
    let cx = Context {
        now: EngineInstant(1_000_000),
        monotonic: Duration::from_secs(1),
        wall,
        ids: [Id([3; 16]), Id([4; 16])],
        version: Version::from_bytes([1; 16]),
        roll: 7,
        closing: false,
        watched_since: None,
        rules: &rules,
    };
    let mut account = Account::default();
    account.handle(Input::Compare, &cx);
    let found = StoreAnswer::Found(Some((Version::from_bytes([2; 16]), record)));
    account.handle(Input::Read(found), &cx);
    account.handle(Input::Wanted { replayable: true }, &cx);
    account.handle(Input::Refresh, &cx);
});

fn rules() -> Rules {
    let seconds = Duration::from_secs;
    Rules {
        holder: Id([1; 16]),
        lease: seconds(30),
        configuration: Id([2; 16]),
        store_retry: seconds(1),
        store_timeout: seconds(5),
        poll: seconds(1),
        backoff_first: seconds(1),
        backoff_most: seconds(300),
        refusal_most: seconds(3600),
        patience: seconds(600),
        stale_share: 0.1,
        stale_least: seconds(30),
        stale_most: seconds(300),
        floor: seconds(30),
        not_before: None,
        refresh_lifetime: RefreshLifetime::Unlimited,
        keep_alive_share: 0.5,
        tombstone_ttl: seconds(366 * 24 * 3600),
        memory_ttl: seconds(3600),
        revalidation: seconds(60),
        watched_revalidation: seconds(600),
        store_down: StoreDown::Serve,
        rejection_first: seconds(60),
        rejection_most: seconds(3600),
        old_token_dies: false,
        revokes: true,
        revokes_alone: false,
    }
}
