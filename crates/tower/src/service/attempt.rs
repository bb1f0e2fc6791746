use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use http_body::Body;
use tokenkeeper_engine::{Credential, Error as SourceError, TokenVersion};
use tower_service::Service;

use super::send::{Call, call_once, call_recorded, copied};
use crate::{
    Error, Recording, Replay, TokenPolicy,
    exchange::{Exchange, Sent, SourceWait, Spare},
};

/// A request whose account is read from the store, and the service that was polled ready for it.
pub(super) struct Unbegun<S, B> {
    pub(super) request: Request<B>,
    pub(super) service: S,
    pub(super) policy: Arc<TokenPolicy>,
}

/// A request that waits for its token, and the service that was polled ready for it.
pub(super) struct Held<S, B> {
    /// `None` once it is sent, as is the exchange.
    request: Option<Request<B>>,
    exchange: Option<Exchange>,
    service: S,
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

const SENT_ONCE: &str = "a request that waits is sent once";

impl<S, B> Held<S, B> {
    // Inlined, since the request would move once more.
    #[inline(always)]
    pub(super) fn new(
        request: Request<B>,
        service: S,
        exchange: Exchange,
        wait: SourceWait,
    ) -> Self {
        Self {
            request: Some(request),
            exchange: Some(exchange),
            service,
            wait,
        }
    }

    /// Waits for the token.
    #[inline]
    pub(super) fn poll_token(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Credential, SourceError>> {
        let exchange = self.exchange.as_ref().expect(SENT_ONCE);
        self.wait.poll(exchange.source(), cx)
    }
}

impl<S, B> Held<S, B>
where
    S: Service<Request<Replay<B>>> + Clone,
    B: Body<Data = Bytes>,
{
    /// Attaches the token that has come. Returns its version, and the head of the replay if the
    /// request may be replayed.
    // The request stays where it is kept, and moves once later: to the service.
    #[inline(always)]
    pub(super) fn attach(
        &mut self,
        token: &Credential,
    ) -> Result<(TokenVersion, Option<(usize, Head)>), Error> {
        let request = self.request.as_mut().expect(SENT_ONCE);
        let exchange = self.exchange.as_ref().expect(SENT_ONCE);
        let head = copied(request, exchange);
        let attached = token.attach(request);
        Ok((attached.map_err(|error| Error::Attach(*error))?, head))
    }

    /// Sends the request once.
    #[inline(always)]
    pub(super) fn call_once(&mut self, version: TokenVersion) -> Call<S, B> {
        let exchange = self.exchange.take().expect(SENT_ONCE);
        let request = self.request.take().expect(SENT_ONCE);
        call_once(&mut self.service, request, exchange, version)
    }

    /// Sends the request so that it can be replayed.
    #[inline(always)]
    pub(super) fn call_recorded(
        &mut self,
        version: TokenVersion,
        head: (usize, Head),
    ) -> Call<S, B> {
        let exchange = self.exchange.take().expect(SENT_ONCE);
        let request = self.request.take().expect(SENT_ONCE);
        call_recorded(&mut self.service, request, exchange, version, head)
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
