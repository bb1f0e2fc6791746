//! Token requests over reqwest.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use reqwest::{Body, ClientBuilder, redirect, retry};
use tokenkeeper_session::{
    Transport, TransportError,
    protocol::{MAX_TOKEN_RESPONSE, Origin},
};

use crate::{Error, client::build};

/// How long an answer that came while the process was stopped or busy has to reach us after the deadline.
const GRACE: Duration = Duration::from_millis(100);

/// Sends token requests over HTTP/1.1 with reqwest.
///
/// Each request has a connection of its own: a server that closes an idle one just as a request is written to it leaves open whether
/// the request arrived, and token requests are too rare to gain from a pool. Nothing is retried and no redirect is followed; http is
/// for loopback only.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    client: reqwest::Client,
}

impl ReqwestTransport {
    /// A transport with reqwest's defaults: its TLS, and the system's proxies if reqwest was built with them.
    ///
    /// # Errors
    /// [`Error::NoCryptoProvider`] or [`Error::Client`].
    pub fn new() -> Result<Self, Error> {
        Self::from_builder(reqwest::Client::builder())
    }

    /// A transport with a TLS configuration, proxy or resolver of your own. The builder's redirects, retries, pool and HTTP versions are
    /// replaced.
    ///
    /// # Errors
    /// [`Error::NoCryptoProvider`] or [`Error::Client`].
    pub fn from_builder(builder: ClientBuilder) -> Result<Self, Error> {
        let builder = builder
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(retry::never())
            .pool_max_idle_per_host(0)
            .http1_only();
        Ok(Self {
            client: build(builder)?,
        })
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let request = request
            .try_into()
            .map_err(|error| TransportError::NotSent(Box::new(error)))?;
        let response = self.client.execute(request).await.map_err(unanswered)?;
        if response
            .content_length()
            .is_some_and(|length| length > MAX_TOKEN_RESPONSE as u64)
        {
            return Err(TransportError::TooLarge);
        }
        let (head, body) = Response::<Body>::from(response).into_parts();
        match Limited::new(body, MAX_TOKEN_RESPONSE).collect().await {
            Ok(body) => Ok(Response::from_parts(head, body.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => Err(TransportError::TooLarge),
            Err(error) => Err(TransportError::Unknown(error)),
        }
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        if Origin::of(request.uri()).is_none() {
            return Err(TransportError::NotSent(
                "a token endpoint is https, or loopback".into(),
            ));
        }
        let mut answer = std::pin::pin!(self.exchange(request));
        for wait in [deadline, GRACE] {
            // Polls the answer before the timer.
            if let Ok(answer) = tokio::time::timeout(wait, answer.as_mut()).await {
                return answer;
            }
        }
        let seconds = deadline.as_secs_f32();
        Err(TransportError::Unknown(
            format!("no answer within {seconds} s").into(),
        ))
    }
}

fn unanswered(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    if error.is_connect() {
        TransportError::NotSent(Box::new(error))
    } else {
        TransportError::Unknown(Box::new(error))
    }
}
