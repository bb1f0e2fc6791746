use std::{
    sync::{Arc, Barrier},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokenkeeper_protocol::{Dialect, Registration};
use tokenkeeper_store_memory::MemoryStore;

use crate::{Accounts, Options, Transport, TransportError};

#[derive(Debug)]
struct Nowhere;

#[async_trait]
impl Transport for Nowhere {
    async fn send(
        &self,
        _: Request<Bytes>,
        _: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        Err(TransportError::NotSent("nowhere".into()))
    }
}

fn idle_at_once() -> Accounts {
    let registration = Registration::new("client", "https://app.example/cb")
        .unwrap()
        .secret("secret");
    let dialect = Dialect::rfc6749("plain", "https://plain.example").unwrap();
    Accounts::builder(MemoryStore::new())
        .provider(dialect.with(registration).unwrap())
        .transport(Nowhere)
        .options(Options {
            idle: Duration::ZERO,
            ..Options::default()
        })
        .build()
        .unwrap()
}

/// Also where no request is ever sent, as in a page that shows who is connected.
#[tokio::test(start_paused = true)]
async fn accounts_that_are_only_looked_at_or_connected_are_dropped_too() {
    for (looks, connects) in [(true, false), (false, true)] {
        let accounts = idle_at_once();
        for number in 0..100 {
            let account = accounts.account("plain", &number.to_string()).unwrap();
            if looks {
                account.status().await.unwrap();
            }
            if connects {
                account.connect().unwrap();
            }
        }
        assert_eq!(accounts.core().slots.len(), 100);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(accounts.core().slots.len(), 0);
    }
}

#[test]
fn an_account_that_was_found_outside_of_a_runtime_is_dropped_once_it_was_looked_at() {
    let accounts = idle_at_once();
    let account = accounts.account("plain", "u").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        account.status().await.unwrap();
        drop(account);
        tokio::time::sleep(Duration::from_secs(2)).await;
    });
    assert_eq!(accounts.core().slots.len(), 0);
}

/// Whoever asks for an account while the sweep runs gets the slot that all others get.
#[test]
fn handles_made_while_the_sweep_runs_share_one_slot() {
    let accounts = idle_at_once();
    let (together, rounds) = (Barrier::new(3), 20_000);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..rounds {
                together.wait();
                accounts.core().sweep();
                together.wait();
            }
        });
        let finders: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut found = Vec::new();
                    for _ in 0..rounds {
                        together.wait();
                        let account = accounts.account("plain", "u").unwrap();
                        found.push(Arc::downgrade(account.slot()));
                        let slot = account.slot().clone();
                        together.wait();
                        drop((account, slot));
                    }
                    found
                })
            })
            .collect();
        let found: Vec<_> = finders.into_iter().map(|f| f.join().unwrap()).collect();
        for (one, other) in found[0].iter().zip(&found[1]) {
            assert!(one.ptr_eq(other), "two slots of one account");
        }
    });
}
