//! A transport that reports token requests.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use tokenkeeper::transport::{HyperTransport, RequestBody, Transport, TransportError};

use super::EventWriter;
use crate::{
    fingerprint::Fingerprint,
    message::{Grant, WorkerEvent},
};

/// The header that links the emulator's log to a worker's events: worker and request number.
pub(crate) const HEADER: &str = "x-chaos-send";

/// A transport that reports each token request and its answer.
#[derive(Debug)]
pub(crate) struct LoggingTransport {
    transport: HyperTransport,
    name: String,
    events: EventWriter,
    next: AtomicU64,
}

impl LoggingTransport {
    pub(crate) fn new(transport: HyperTransport, name: &str, events: EventWriter) -> Self {
        Self {
            transport,
            name: name.to_owned(),
            events,
            next: AtomicU64::new(1),
        }
    }
}

#[async_trait]
impl Transport for LoggingTransport {
    async fn send(
        &self,
        mut request: Request<RequestBody>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let send = self.next.fetch_add(1, Ordering::Relaxed);
        let name = HeaderValue::try_from(format!("{}/{send}", self.name));
        let name = name.map_err(|error| TransportError::NotSent(error.into()))?;
        request.headers_mut().insert(HEADER, name);
        let Some((grant, token)) = presented(request.body()) else {
            return self.transport.send(request, deadline).await;
        };
        self.events
            .write(WorkerEvent::RequestSent { send, grant, token });
        let result = self.transport.send(request, deadline).await;
        let response = result.as_ref().ok();
        self.events.write(WorkerEvent::RequestAnswered {
            send,
            status: response.map(|response| response.status().as_u16()),
            issued: response
                .and_then(|response| Fingerprint::all_in(response.body()).first().copied()),
        });
        result
    }
}

/// Returns what a token request redeems.
pub(crate) fn presented(body: &[u8]) -> Option<(Grant, Fingerprint)> {
    form_urlencoded::parse(body).find_map(|(name, value)| match &*name {
        "refresh_token" => Some((Grant::Refresh, Fingerprint::of(&value))),
        "code" => Some((Grant::Code, Fingerprint::of(&value))),
        _ => None,
    })
}
