//! Attaches the token, and replays once after a rejection.

mod attempt;
mod future;

use std::{
    mem,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use self::attempt::{Sent, Waiting};
pub use self::future::TokenFuture;
use crate::{BoxError, NoReplay, Replay, layer::Settings, tokens::Chosen};

/// The service that [`TokenLayer`](crate::TokenLayer) makes.
///
/// It takes any body of [`Bytes`] and calls the inner service with a [`Replay`] of it. Neither body has to be `Clone`; the inner service
/// has to be, since a replay is a second call.
///
/// Its error is a [`BoxError`](crate::BoxError) that downcasts to the inner service's, to [`tokenkeeper_session::Error`] (no token can be
/// had, and the request was not sent) or to [`Error`](crate::Error) (the request was refused). Dropping the future at any point loses no
/// token: a refresh runs in a task of its own.
#[derive(Clone, Debug)]
pub struct TokenService<S> {
    inner: S,
    settings: Settings,
}

impl<S> TokenService<S> {
    pub(crate) fn new(inner: S, settings: Settings) -> Self {
        Self { inner, settings }
    }

    /// Whose token this request gets, if any.
    fn choose<B>(&self, request: &Request<B>) -> Result<Option<Chosen>, crate::Error> {
        let uri = request.uri();
        let target = match &self.settings.origin {
            Some(origin) if uri.authority().is_none() => origin,
            _ => uri,
        };
        self.settings.tokens.choose(target, request.extensions())
    }

    fn replay_limit<B>(&self, request: &Request<B>) -> Option<usize> {
        self.settings
            .replay_limit
            .filter(|_| request.extensions().get::<NoReplay>().is_none())
    }
}

impl<S, B, ResBody> Service<Request<B>> for TokenService<S>
where
    S: Service<Request<Replay<B>>, Response = Response<ResBody>> + Clone,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes>,
{
    type Response = Response<ResBody>;
    type Error = BoxError;
    type Future = TokenFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let source = match self.choose(&request) {
            Ok(Some(source)) => source,
            Ok(None) => return TokenFuture::passing(self.inner.call(request.map(Replay::once))),
            Err(error) => return TokenFuture::failed(error.into()),
        };
        let limit = self.replay_limit(&request);
        if let Some(credential) = source.credential(attempt::replayable(&request, limit)) {
            let sent = Sent { source, credential };
            return TokenFuture::start(request, limit, &mut self.inner, sent);
        }
        // The service that was polled ready is the one to call when the token has come.
        let next = self.inner.clone();
        let service = mem::replace(&mut self.inner, next);
        TokenFuture::waiting(Waiting {
            request,
            limit,
            service,
            source,
        })
    }
}
