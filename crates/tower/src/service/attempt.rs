use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use http_body::Body;
use tokenkeeper_engine::{Credential, Error as SourceError};
use tower_service::Service;

use crate::{
    Error, Recording, Replay, TokenPolicy,
    exchange::{CredentialFuture, Exchange, Sent, Spare},
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
    token: CredentialFuture,
}

/// The call of a request that was sent with a token, and what judges its response.
type Call<S, B> = (
    <S as Service<Request<Replay<B>>>>::Future,
    Sent<Second<S, B>>,
);

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

/// Records a body while it is sent, and puts the other end into `recording`.
#[inline]
pub(super) fn record<B>(
    limit: usize,
    recording: &mut Option<Recording<B>>,
) -> impl FnOnce(B) -> Replay<B>
where
    B: Body<Data = Bytes>,
{
    move |body| {
        let (body, kept) = Replay::recorded(body, limit);
        *recording = Some(kept);
        body
    }
}

impl<S, B> Held<S, B>
where
    B: Body<Data = Bytes>,
{
    pub(super) fn new(request: Request<B>, service: S, exchange: Exchange) -> Self {
        let replayable = exchange.is_replayable(request.body().size_hint().lower());
        Self {
            token: exchange.credential(replayable),
            request,
            service,
            exchange,
        }
    }

    /// Waits for the token.
    pub(super) fn poll_token(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Credential, SourceError>> {
        Pin::new(&mut self.token).poll(cx)
    }
}

impl<S, B> Held<S, B>
where
    S: Service<Request<Replay<B>>> + Clone,
    B: Body<Data = Bytes>,
{
    /// Attaches the token that has come, and sends the request.
    pub(super) fn send(self, credential: &Credential) -> Result<Call<S, B>, Error> {
        let Self {
            mut request,
            mut service,
            exchange,
            ..
        } = self;
        let limit = exchange.replay_limit();
        let head = limit.map(|_| Head::of(&request));
        let version = credential
            .attach(&mut request)
            .map_err(|error| Error::Attach(*error))?;
        let (Some(limit), Some(head)) = (limit, head) else {
            let call = service.call(request.map(Replay::once));
            return Ok((call, exchange.sent(version, None)));
        };
        let another = service.clone();
        let mut recording = None;
        let call = service.call(request.map(record(limit, &mut recording)));
        let second = recording.map(|recording| Second::new(head, recording, another));
        Ok((call, exchange.sent(version, second)))
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
