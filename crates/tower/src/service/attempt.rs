use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use http_body::Body;
use tokenkeeper_engine::{Credential, Error as SourceError};
use tower_service::Service;

use super::{TokenFuture, send::send};
use crate::{
    Error, Recording, Replay, TokenPolicy,
    exchange::{Exchange, Fresh, Sent, SourceWait, Spare},
};

/// A request whose account is read from the store, and the service that was polled ready for it.
pub(super) struct Unbegun<S, B> {
    pub(super) request: Request<B>,
    pub(super) service: S,
    pub(super) policy: Arc<TokenPolicy>,
}

/// A request that waits for its token, and the service that was polled ready for it.
pub(super) struct Held<S, B> {
    request: Request<B>,
    service: S,
    exchange: Exchange,
    wait: SourceWait,
}

/// A request with its token, and the service to call with it.
pub(super) struct Departure<S, B> {
    pub(super) service: S,
    pub(super) request: Request<Replay<B>>,
    pub(super) sent: Sent<Second<S, B>>,
}

/// The second attempt: the request's head without the token, its body, and a service that is not
/// polled ready yet.
pub(super) struct Second<S, B> {
    head: Head,
    recording: Recording<B>,
    service: S,
}

impl<S, B> Held<S, B> {
    // The box comes first, so that the request is moved into it and nowhere before.
    #[inline(always)]
    pub(super) fn boxed(
        request: Request<B>,
        service: S,
        exchange: Exchange,
        wait: SourceWait,
    ) -> Box<Self> {
        Box::write(
            Box::new_uninit(),
            Self {
                request,
                service,
                exchange,
                wait,
            },
        )
    }

    /// Waits for the token.
    pub(super) fn poll_token(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Credential, SourceError>> {
        self.wait.poll(self.exchange.source(), cx)
    }
}

impl<S, B> Held<S, B>
where
    S: Service<Request<Replay<B>>> + Clone,
    B: Body<Data = Bytes>,
{
    /// Sends the request with the token that has come.
    #[allow(
        clippy::boxed_local,
        reason = "by value, the request would move once more"
    )]
    pub(super) fn send(self: Box<Self>, token: Credential) -> TokenFuture<S, B> {
        let Self {
            request,
            mut service,
            exchange,
            ..
        } = *self;
        send(&mut service, request, exchange, Fresh::Other(token))
    }
}

impl<S, B> Second<S, B> {
    #[inline]
    pub(super) fn new(head: Head, recording: Recording<B>, service: S) -> Self {
        Self {
            head,
            recording,
            service,
        }
    }
}

impl<S, B> Spare for Second<S, B>
where
    B: Body<Data = Bytes>,
{
    type Request = (S, Request<Replay<B>>);

    fn is_whole(&self) -> bool {
        self.recording.is_whole()
    }

    fn into_request(self) -> Option<Self::Request> {
        let body = self.recording.replay()?;
        Some((self.service, self.head.with(body)))
    }
}

impl<S, B> Departure<S, B> {
    /// Attaches the new token to the second attempt.
    pub(super) fn replay(
        (service, mut request): (S, Request<Replay<B>>),
        credential: &Credential,
        sent: Sent<Second<S, B>>,
    ) -> Result<Self, Error> {
        credential
            .attach(&mut request)
            .map_err(|error| Error::Attach(*error))?;
        Ok(Self {
            service,
            request,
            sent,
        })
    }
}

/// A copy of a request's head. It reads the request where it is: a head is more than 200 bytes.
pub(super) struct Head {
    method: Method,
    uri: Uri,
    version: Version,
    /// A list is cheaper to copy than a map, and only a replay needs the map.
    headers: Vec<(HeaderName, HeaderValue)>,
    extensions: Extensions,
}

/// Lists the headers in one allocation: `HeaderMap::iter` counts a name with many values once.
#[inline]
fn list(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let mut list = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        list.push((name.clone(), value.clone()));
    }
    list
}

/// Copies the extensions. A map that has become empty is not copied, since it would allocate.
#[inline]
fn copy(extensions: &Extensions) -> Extensions {
    if extensions.is_empty() {
        Extensions::new()
    } else {
        extensions.clone()
    }
}

impl Head {
    #[inline]
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            headers: list(request.headers()),
            extensions: copy(request.extensions()),
        }
    }

    fn with<B>(self, body: B) -> Request<B> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        request.headers_mut().extend(self.headers);
        *request.extensions_mut() = self.extensions;
        request
    }
}
