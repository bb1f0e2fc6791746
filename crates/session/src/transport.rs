//! How token requests leave: never through the caller's own stack, where a concurrency limit would deadlock.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Sends requests to a token endpoint.
///
/// An implementation follows no redirect, retries nothing, and bounds the body that it reads
/// ([`MAX_TOKEN_RESPONSE`](tokenkeeper_protocol::MAX_TOKEN_RESPONSE)): a redirect would carry secrets to another host, and a
/// retry would present a refresh token twice.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends `request` and reads the whole answer, for at most `deadline` from now.
    ///
    /// The deadline ends the waiting, not the reading: an answer that has arrived wins over the timer.
    ///
    /// # Errors
    /// [`TransportError::NotSent`] only where no byte of the request can have reached the server; everything else is
    /// [`TransportError::Unknown`].
    async fn send(
        &self,
        request: Request<Bytes>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(
        &self,
        request: Request<Bytes>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        (**self).send(request, deadline).await
    }
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Name resolution, connecting or the TLS handshake failed: the server saw nothing, the request may be sent again.
    #[error("the token endpoint could not be reached; nothing was sent")]
    NotSent(#[source] BoxError),
    /// The request may have been received and acted upon.
    #[error("no answer came from the token endpoint; the request may have been received")]
    Unknown(#[source] BoxError),
    /// The answer's body is over the bound. It counts as received.
    #[error("the token endpoint's answer is over the size bound")]
    TooLarge,
}
