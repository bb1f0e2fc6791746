//! The way of token requests, and what goes over it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use tokenkeeper::transport::{HyperTransport, Transport, TransportError};

use super::Mouth;
use crate::{
    mark::Mark,
    said::{Grant, Said},
};

/// The header by which the emulator's log and a worker's lines are brought together: the worker's name, and the number of the request.
pub(crate) const HEADER: &str = "x-chaos-send";

#[derive(Debug)]
pub(crate) struct Traced {
    transport: HyperTransport,
    name: String,
    mouth: Mouth,
    next: AtomicU64,
}

impl Traced {
    pub(crate) fn new(transport: HyperTransport, name: &str, mouth: Mouth) -> Self {
        Self {
            transport,
            name: name.to_owned(),
            mouth,
            next: AtomicU64::new(1),
        }
    }
}

#[async_trait]
impl Transport for Traced {
    async fn send(
        &self,
        mut request: Request<Bytes>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let send = self.next.fetch_add(1, Ordering::Relaxed);
        let name = HeaderValue::try_from(format!("{}/{send}", self.name));
        let name = name.map_err(|error| TransportError::NotSent(error.into()))?;
        request.headers_mut().insert(HEADER, name);
        let Some((grant, mark)) = presented(request.body()) else {
            return self.transport.send(request, deadline).await;
        };
        self.mouth.say(Said::Sent { send, grant, mark });
        let result = self.transport.send(request, deadline).await;
        let response = result.as_ref().ok();
        self.mouth.say(Said::Answered {
            send,
            status: response.map(|response| response.status().as_u16()),
            gave: response.and_then(|response| Mark::all_in(response.body()).first().copied()),
        });
        result
    }
}

/// What a token request redeems.
pub(crate) fn presented(body: &[u8]) -> Option<(Grant, Mark)> {
    form_urlencoded::parse(body).find_map(|(name, value)| match &*name {
        "refresh_token" => Some((Grant::Refresh, Mark::of(&value))),
        "code" => Some((Grant::Code, Mark::of(&value))),
        _ => None,
    })
}
