//! The service that attaches the token and replays once after a rejection.

mod attempt;
mod future;

use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokenkeeper_engine::{Seen, protocol::Error as ProtocolError};
use tower_service::Service;

use self::attempt::{Head, Held, Second, Unbegun};
pub use self::future::TokenFuture;
use crate::{BoxError, Error, Replay, TokenPolicy, exchange::Exchange};

/// The service that [`TokenLayer`](crate::TokenLayer) makes.
///
/// It takes any body of [`Bytes`] and calls the inner service with a [`Replay`] of it. The bodies
/// need not be `Clone`. The inner service must be, since a replay is a second call.
///
/// Its error is a [`BoxError`](crate::BoxError) that downcasts to one of these:
///
/// - the inner service's error, unchanged;
/// - [`tokenkeeper_engine::Error`]: no token is available, and the request was not sent;
/// - [`Rejected`](crate::Rejected): the API rejected the token, and no replacement is available. It
///   keeps the API's response, for which the response's body must be `Send + 'static`;
/// - [`Error`](crate::Error): the request was refused.
///
/// Dropping the future at any point loses no token: a refresh runs in its own task.
#[derive(Clone, Debug)]
pub struct TokenService<S> {
    inner: S,
    policy: Arc<TokenPolicy>,
    seen: Seen,
}

impl<S> TokenService<S> {
    pub(crate) fn new(inner: S, policy: TokenPolicy) -> Self {
        Self {
            inner,
            policy: Arc::new(policy),
            seen: Seen::default(),
        }
    }
}

impl<S, B, ResBody> Service<Request<B>> for TokenService<S>
where
    S: Service<Request<Replay<B>>, Response = Response<ResBody>> + Clone,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes>,
    ResBody: Send + 'static,
{
    type Response = Response<ResBody>;
    type Error = BoxError;
    type Future = TokenFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    // Each step takes the request where it is: its head is more than 200 bytes, and to move it
    // costs as much as to find the token.
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let (uri, extensions) = (request.uri(), request.extensions());
        let (exchange, token) = match self.policy.begin_seen(&self.seen, uri, extensions) {
            Some((exchange, token)) => (exchange, Some(token)),
            None => match self.policy.begin_owned(&mut request) {
                Ok(Some(exchange)) => {
                    exchange.remember(&mut self.seen);
                    (exchange, None)
                }
                Ok(None) => {
                    return TokenFuture::passing(self.inner.call(request.map(Replay::once)));
                }
                Err(error) => return self.refuse(request, error),
            },
        };
        let Some(limit) = exchange.replay_limit() else {
            let attached = exchange.attach(token, &mut request, false);
            let Some(Ok(version)) = attached else {
                return self.hold(request, exchange, attached.and_then(Result::err));
            };
            let call = self.inner.call(request.map(Replay::once));
            return TokenFuture::sent(call, exchange.sent(version, None));
        };
        let head = Head::of(&request);
        let replayable = exchange.is_replayable(request.body().size_hint().lower());
        let attached = exchange.attach(token, &mut request, replayable);
        let Some(Ok(version)) = attached else {
            return self.hold(request, exchange, attached.and_then(Result::err));
        };
        let service = self.inner.clone();
        let mut recording = None;
        let recorded = request.map(attempt::record(limit, &mut recording));
        let call = self.inner.call(recorded);
        let second = recording.map(|recording| Second::new(head, recording, service));
        TokenFuture::sent(call, exchange.sent(version, second))
    }
}

impl<S: Clone> TokenService<S> {
    /// Fails a request that cannot be begun, or keeps it until its account is read from the store.
    // Not inlined, and the only user of the request in this case: otherwise the valid path copies
    // the request's head once more.
    #[cold]
    #[inline(never)]
    fn refuse<B>(&mut self, request: Request<B>, error: Error) -> TokenFuture<S, B>
    where
        S: Service<Request<Replay<B>>>,
        B: Body<Data = Bytes>,
    {
        if !matches!(error, Error::NotLoaded) {
            return TokenFuture::failed(error.into());
        }
        let next = self.inner.clone();
        TokenFuture::loading(Unbegun {
            request,
            service: mem::replace(&mut self.inner, next),
            policy: self.policy.clone(),
        })
    }

    /// Keeps a request that cannot be sent now: it waits for its token, or fails with `error`.
    #[cold]
    fn hold<B>(
        &mut self,
        request: Request<B>,
        exchange: Exchange,
        error: Option<Box<ProtocolError>>,
    ) -> TokenFuture<S, B>
    where
        S: Service<Request<Replay<B>>>,
        B: Body<Data = Bytes>,
    {
        if let Some(error) = error {
            return TokenFuture::failed(Error::Attach(*error).into());
        }
        // The service that was polled ready must be the one that is called later.
        let next = self.inner.clone();
        let service = mem::replace(&mut self.inner, next);
        TokenFuture::waiting(Held::new(request, service, exchange))
    }
}
