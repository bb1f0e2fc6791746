//! The service that attaches the token and replays once after a rejection.

mod attempt;
mod future;
mod inner;
mod send;

use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokenkeeper_engine::{Credential, Seen};
use tower_service::Service;

use self::{
    attempt::{Head, Held, Second, Unbegun},
    send::{record, send},
};
pub use self::{future::TokenFuture, inner::InnerService};
use crate::{
    BoxError, Error, Replay, TokenPolicy,
    exchange::{Exchange, Fresh, SourceWait, is_grpc},
};

/// The service that [`TokenLayer`](crate::TokenLayer) makes.
///
/// It takes any body of [`Bytes`] and calls the [inner service](InnerService) with a [`Replay`] of
/// it. The bodies need not be `Clone`. The inner service must be, since a replay is a second call.
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

impl<S, B> Service<Request<B>> for TokenService<S>
where
    S: InnerService<B>,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes>,
    S::ResponseBody: Send + 'static,
{
    type Response = Response<S::ResponseBody>;
    type Error = BoxError;
    type Future = TokenFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    #[inline]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        if self.policy.replays() {
            self.call_recorded(request)
        } else if self.seen.is_empty() {
            self.call_unseen(request)
        } else {
            self.call_seen(request)
        }
    }
}

// Each step takes the request where it is: its head is more than 200 bytes, and to move it costs as
// much as to find the token. So the functions of rare cases are not inlined, and are the only users
// of the request in their case: otherwise the common path copies its head once more.
impl<S: Clone> TokenService<S> {
    /// Sends a request that can be replayed, or keeps it until it can be sent.
    // Apart from those that are sent once: it needs many registers, and the others would store and
    // load theirs.
    #[inline(never)]
    fn call_recorded<B>(&mut self, mut request: Request<B>) -> TokenFuture<S, B>
    where
        S: Service<Request<Replay<B>>>,
        B: Body<Data = Bytes>,
    {
        let (exchange, token) = match self.policy.begin_seen(&self.seen, &request) {
            Some((exchange, token)) => (exchange, Fresh::Seen(token)),
            None => {
                let exchange = match self.policy.begin_owned(&mut request) {
                    Ok(Some(exchange)) => exchange,
                    Ok(None) => {
                        return TokenFuture::passing(self.inner.call(request.map(Replay::once)));
                    }
                    Err(error) => return self.refuse(request, error),
                };
                exchange.remember(&mut self.seen);
                let replayable = exchange.is_replayable_whole(&request);
                match exchange.fresh(replayable) {
                    Some(token) => (exchange, token),
                    None => {
                        return match self.start(&exchange, replayable) {
                            Ok(token) => {
                                send(&mut self.inner, request, exchange, Fresh::Other(token))
                            }
                            Err((service, wait)) => {
                                TokenFuture::waiting(Held::new(request, service, exchange, wait))
                            }
                        };
                    }
                }
            }
        };
        let Some(limit) = exchange.replay_limit() else {
            return send(&mut self.inner, request, exchange, token);
        };
        let (head, is_grpc) = (Head::of(&request), is_grpc(&request));
        let attached = token.attach(&mut request);
        drop(token);
        let version = match attached {
            Ok(version) => version,
            Err(error) => return TokenFuture::failed(Error::Attach(*error).into()),
        };
        let service = self.inner.clone();
        let mut recording = None;
        let call = self.inner.call(request.map(record(limit, &mut recording)));
        let second = recording.map(|recording| Second::new(head, recording, service));
        TokenFuture::sent(call, exchange.sent_as(is_grpc, version, second))
    }

    /// Sends a request once, with the token that is remembered, if that is still the one to send.
    #[inline(never)]
    fn call_seen<B>(&mut self, mut request: Request<B>) -> TokenFuture<S, B>
    where
        S: Service<Request<Replay<B>>>,
        B: Body<Data = Bytes>,
    {
        let Some((exchange, token)) = self.policy.begin_seen(&self.seen, &request) else {
            return self.call_unseen(request);
        };
        let is_grpc = is_grpc(&request);
        let version = match token.attach(&mut request) {
            Ok(version) => version,
            Err(error) => return TokenFuture::failed(Error::Attach(*error).into()),
        };
        let call = self.inner.call(request.map(Replay::once));
        TokenFuture::sent(call, exchange.sent_seen(is_grpc, token, version))
    }

    /// Sends a request once whose token is not remembered, or keeps it until it can be sent.
    #[inline(never)]
    fn call_unseen<B>(&mut self, mut request: Request<B>) -> TokenFuture<S, B>
    where
        S: Service<Request<Replay<B>>>,
        B: Body<Data = Bytes>,
    {
        let exchange = match self.policy.begin_owned(&mut request) {
            Ok(Some(exchange)) => exchange,
            Ok(None) => return TokenFuture::passing(self.inner.call(request.map(Replay::once))),
            Err(error) => return self.refuse(request, error),
        };
        exchange.remember(&mut self.seen);
        let fresh = exchange.account().and_then(|account| account.fresh(false));
        let Some(token) = fresh else {
            return match self.start(&exchange, false) {
                Ok(token) => send(&mut self.inner, request, exchange, Fresh::Other(token)),
                Err((service, wait)) => {
                    TokenFuture::waiting(Held::new(request, service, exchange, wait))
                }
            };
        };
        let is_grpc = is_grpc(&request);
        let attached = token.attach(&mut request);
        drop(token);
        let version = match attached {
            Ok(version) => version,
            Err(error) => return TokenFuture::failed(Error::Attach(*error).into()),
        };
        let call = self.inner.call(request.map(Replay::once));
        TokenFuture::sent(call, exchange.sent_as(is_grpc, version, None))
    }

    /// Returns a token that only the machine or another source knows, or starts to wait for it.
    ///
    /// # Errors
    ///
    /// The wait, and the service that was polled ready: it must be the one that is called later.
    #[inline(never)]
    fn start(
        &mut self,
        exchange: &Exchange,
        replayable: bool,
    ) -> Result<Credential, (S, SourceWait)> {
        exchange.start(replayable).map_err(|wait| {
            let next = self.inner.clone();
            (mem::replace(&mut self.inner, next), wait)
        })
    }

    /// Fails a request that cannot be begun, or keeps it until its account is read from the store.
    #[cold]
    #[inline(never)]
    fn refuse<B>(&mut self, mut request: Request<B>, error: Error) -> TokenFuture<S, B>
    where
        S: Service<Request<Replay<B>>>,
        B: Body<Data = Bytes>,
    {
        if !matches!(error, Error::NotLoaded) {
            return TokenFuture::failed(error.into());
        }
        self.policy.keep_account(request.extensions_mut());
        let next = self.inner.clone();
        TokenFuture::loading(Unbegun {
            request,
            service: mem::replace(&mut self.inner, next),
            policy: self.policy.clone(),
        })
    }
}
