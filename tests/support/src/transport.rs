//! Token requests go straight into the emulator.

use std::{
    future::pending,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, header::DATE};
use tokenkeeper_emulator::Emulator;
use tokenkeeper_engine::{Transport, TransportError};

#[derive(Debug)]
pub struct InProcess(Emulator);

impl InProcess {
    pub fn new(emulator: Emulator) -> Self {
        Self(emulator)
    }
}

#[async_trait]
impl Transport for InProcess {
    async fn send(
        &self,
        request: Request<Bytes>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        match tokio::time::timeout(deadline, self.0.call(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(cut)) => Err(TransportError::Unknown(Box::new(cut))),
            Err(_elapsed) => Err(TransportError::TimedOut),
        }
    }
}

/// A transport that ignores its deadline: its first requests never end, and reach no server.
#[derive(Debug)]
pub struct Deaf {
    inner: InProcess,
    left: AtomicUsize,
}

impl Deaf {
    pub fn new(emulator: Emulator, requests: usize) -> Self {
        Self {
            inner: InProcess::new(emulator),
            left: AtomicUsize::new(requests),
        }
    }
}

#[async_trait]
impl Transport for Deaf {
    async fn send(
        &self,
        request: Request<Bytes>,
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

/// A transport whose answers carry the provider's time in `Date`, as those of a socket do.
#[derive(Debug)]
pub struct Dated(InProcess);

impl Dated {
    pub fn new(emulator: Emulator) -> Self {
        Self(InProcess::new(emulator))
    }
}

#[async_trait]
impl Transport for Dated {
    async fn send(
        &self,
        request: Request<Bytes>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let mut response = self.0.send(request, deadline).await?;
        let date = httpdate::fmt_http_date(self.0.0.now());
        response.headers_mut().insert(DATE, date.parse().unwrap());
        Ok(response)
    }
}
