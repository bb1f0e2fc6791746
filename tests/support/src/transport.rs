//! Transports that call the emulator in process.

use std::{
    future::pending,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, header::DATE};
use tokenkeeper_emulator::Emulator;
use tokenkeeper_engine::{RequestBody, Transport, TransportError};

/// A transport that calls the emulator.
#[derive(Debug)]
pub struct InProcessTransport(Emulator);

impl InProcessTransport {
    pub fn new(emulator: Emulator) -> Self {
        Self(emulator)
    }
}

#[async_trait]
impl Transport for InProcessTransport {
    async fn send(
        &self,
        request: Request<RequestBody>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        match tokio::time::timeout(deadline, self.0.call(request.map(Bytes::from))).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(cut)) => Err(TransportError::Unknown(Box::new(cut))),
            Err(_elapsed) => Err(TransportError::TimedOut),
        }
    }
}

/// A transport that ignores its deadline: its first requests reach no server and never return.
#[derive(Debug)]
pub struct HangingTransport {
    inner: InProcessTransport,
    left: AtomicUsize,
}

impl HangingTransport {
    pub fn new(emulator: Emulator, requests: usize) -> Self {
        Self {
            inner: InProcessTransport::new(emulator),
            left: AtomicUsize::new(requests),
        }
    }
}

#[async_trait]
impl Transport for HangingTransport {
    async fn send(
        &self,
        request: Request<RequestBody>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let take = |left: usize| left.checked_sub(1);
        let (set, fetch) = (Ordering::SeqCst, Ordering::SeqCst);
        if self.left.fetch_update(set, fetch, take).is_ok() {
            return pending().await;
        }
        self.inner.send(request, deadline).await
    }
}

/// A transport whose responses carry the provider's time in `Date`, as those of a real server do.
#[derive(Debug)]
pub struct DatedTransport(InProcessTransport);

impl DatedTransport {
    pub fn new(emulator: Emulator) -> Self {
        Self(InProcessTransport::new(emulator))
    }
}

#[async_trait]
impl Transport for DatedTransport {
    async fn send(
        &self,
        request: Request<RequestBody>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let mut response = self.0.send(request, deadline).await?;
        let date = httpdate::fmt_http_date(self.0.0.now());
        response.headers_mut().insert(DATE, date.parse().unwrap());
        Ok(response)
    }
}
