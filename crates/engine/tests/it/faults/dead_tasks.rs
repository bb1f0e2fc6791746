//! Tasks of an engine that die while their process lives.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokenkeeper_engine::{RequestBody, Transport, TransportError};

use super::panics::{Panics, assert_recovers, panicking_provider, try_to_refresh};
use crate::harness::{HOUR, InProcessTransport, StoreFault, World, connection, seconds};

#[tokio::test(start_paused = true)]
async fn a_store_that_panics_loses_no_token() {
    for after in 0..3 {
        for panics in [1, 3] {
            let (world, account) = World::amiqus().expired().await;
            world.store.fail_after(after, panics, StoreFault::Panic);
            try_to_refresh(&account).await;
            assert_recovers(&world, &account).await;
            assert_eq!(world.token_requests(), 1, "{after} {panics}");
            // The tokens that memory served at once are in the store a little later.
            tokio::time::sleep(seconds(5)).await;
            assert_eq!(connection(&world.account_elsewhere()).await.generation, 2);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_task_unwinds_aborts_no_process() {
    let (provider, world) = panicking_provider();
    let account = world.connect_account().await;
    world.advance(HOUR).await;
    account.status().await.unwrap();
    // The attempt is written. The task dies while it writes the result and holds the tokens.
    world.store.fail_after(1, 1, StoreFault::Panic);
    provider.panics.next(1);
    try_to_refresh(&account).await;
    assert_recovers(&world, &account).await;
    assert_eq!(world.token_requests(), 1);
    assert_eq!(connection(&world.account_elsewhere()).await.generation, 2);
}

/// A transport that panics on demand, before it sends anything.
#[derive(Debug)]
struct PanickingTransport {
    inner: InProcessTransport,
    panics: Arc<Panics>,
}

#[async_trait]
impl Transport for PanickingTransport {
    async fn send(
        &self,
        request: Request<RequestBody>,
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
        world.connect_account().await;
        let panics: Arc<Panics> = Arc::default();
        let transport = PanickingTransport {
            inner: InProcessTransport::new(world.emulator.clone()),
            panics: panics.clone(),
        };
        let process = world.builder().transport(transport).build().unwrap();
        let account = world.account_of(&process);
        world.advance(HOUR).await;
        panics.next(count);
        try_to_refresh(&account).await;
        assert_recovers(&world, &account).await;
        assert_eq!(world.token_requests(), 1, "{count}");
    }
}
