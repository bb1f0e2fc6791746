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

/// Whoever asks for an account while the sweep runs gets the slot that all others get.
#[test]
fn handles_made_while_the_sweep_runs_share_one_slot() {
    let registration = Registration::new("client", "https://app.example/cb")
        .unwrap()
        .secret("secret");
    let dialect = Dialect::rfc6749("plain", "https://plain.example").unwrap();
    let options = Options {
        idle: Duration::ZERO,
        ..Options::default()
    };
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(dialect.with(registration).unwrap())
        .transport(Nowhere)
        .options(options)
        .build()
        .unwrap();
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
