//! Tasks of an engine that die while their process lives.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokenkeeper_engine::{Transport, TransportError};

use super::{
    connection,
    panics::{Panics, fragile, recovers, try_to_refresh},
};
use crate::harness::{Fault, HOUR, InProcess, World};

#[tokio::test(start_paused = true)]
async fn a_store_that_panics_loses_no_token() {
    for after in 0..3 {
        for panics in [1, 3] {
            let world = World::amiqus();
            let account = world.connected().await;
            world.pass(HOUR).await;
            world.store.fail_after(after, panics, Fault::Panic);
            try_to_refresh(&account).await;
            recovers(&world, &account).await;
            assert_eq!(world.token_requests(), 1, "{after} {panics}");
            // What memory served at once is in the store a little later.
            tokio::time::sleep(Duration::from_secs(5)).await;
            assert_eq!(connection(&world.elsewhere()).await.generation, 2);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_task_unwinds_aborts_no_process() {
    let (provider, world) = fragile();
    let account = world.connected().await;
    world.pass(HOUR).await;
    account.status().await.unwrap();
    // The attempt is written; the task dies in the write of the result, with the tokens in hand.
    world.store.fail_after(1, 1, Fault::Panic);
    provider.panics.next(1);
    try_to_refresh(&account).await;
    recovers(&world, &account).await;
    assert_eq!(world.token_requests(), 1);
    assert_eq!(connection(&world.elsewhere()).await.generation, 2);
}

/// A transport that panics at times, before anything is sent.
#[derive(Debug)]
struct FragileTransport {
    inner: InProcess,
    panics: Arc<Panics>,
}

#[async_trait]
impl Transport for FragileTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        self.panics.take();
        self.inner.send(request, deadline).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_panics_blocks_no_account() {
    for count in [1, 3] {
        let world = World::amiqus();
        world.connected().await;
        let panics: Arc<Panics> = Arc::default();
        let transport = FragileTransport {
            inner: InProcess::new(world.emulator.clone()),
            panics: panics.clone(),
        };
        let process = world.builder().transport(transport).build().unwrap();
        let account = world.account_of(&process);
        world.pass(HOUR).await;
        panics.next(count);
        try_to_refresh(&account).await;
        recovers(&world, &account).await;
        assert_eq!(world.token_requests(), 1, "{count}");
    }
}
