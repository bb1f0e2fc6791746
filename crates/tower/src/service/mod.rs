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
use tokenkeeper_engine::{AttachResult, Seen, protocol::Error as ProtocolError};
use tower_service::Service;

use self::attempt::{Head, Sent, Spare, Waiting};
pub use self::future::TokenFuture;
use crate::{BoxError, Error, NoReplay, Replay, settings::Settings, tokens::Chosen};

/// The service that [`TokenLayer`](crate::TokenLayer) makes.
///
/// It takes any body of [`Bytes`] and calls the inner service with a [`Replay`] of it. Neither body has to be `Clone`; the inner service
/// has to be, since a replay is a second call.
///
/// Its error is a [`BoxError`](crate::BoxError) that downcasts to one of these:
///
/// - the inner service's error, as it was;
/// - [`tokenkeeper_engine::Error`]: no token can be had, and the request was not sent;
/// - [`Rejected`](crate::Rejected): the API rejected the token, and no new one can be had. It keeps
///   the API's response, for which the response's body must be `Send + 'static`;
/// - [`Error`](crate::Error): the request was refused.
///
/// Dropping the future at any point loses no token: a refresh runs in its own task.
#[derive(Clone, Debug)]
pub struct TokenService<S> {
    inner: S,
    settings: Settings,
    seen: Seen,
}

impl<S> TokenService<S> {
    pub(crate) fn new(inner: S, settings: Settings) -> Self {
        Self {
            inner,
            settings,
            seen: Seen::default(),
        }
    }

    /// Whose token this request gets, if any.
    fn choose<B>(&self, request: &Request<B>) -> Result<Option<Chosen>, Error> {
        let uri = request.uri();
        let target = match &self.settings.origin {
            Some(origin) if uri.authority().is_none() => origin,
            _ => uri,
        };
        self.settings.tokens.choose(target, request.extensions())
    }

    /// Attaches the token, if no waiting is needed.
    #[inline(always)]
    fn attach<B: Body>(
        &mut self,
        source: &Chosen,
        request: &mut Request<B>,
        limit: Option<usize>,
    ) -> Option<AttachResult> {
        let replayable = attempt::replayable(request, limit);
        source.attach(&mut self.seen, request, replayable)
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
    ResBody: Send + 'static,
{
    type Response = Response<ResBody>;
    type Error = BoxError;
    type Future = TokenFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    // Each step takes the request where it lies: its head is more than 200 bytes, and a move of it costs as much as finding the token.
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let source = match self.choose(&request) {
            Ok(Some(source)) => source,
            Ok(None) => {
                return TokenFuture::passing(self.inner.call(request.map(Replay::once)));
            }
            Err(error) => return TokenFuture::failed(error.into()),
        };
        let Some(limit) = self.replay_limit(&request) else {
            let attached = self.attach(&source, &mut request, None);
            let Some(Ok(stamp)) = attached else {
                return self.hold(request, None, source, attached.and_then(Result::err));
            };
            let call = self.inner.call(request.map(Replay::once));
            return TokenFuture::out(call, Sent { source, stamp }, None);
        };
        let head = Head::of(&request);
        let attached = self.attach(&source, &mut request, Some(limit));
        let Some(Ok(stamp)) = attached else {
            return self.hold(request, Some(limit), source, attached.and_then(Result::err));
        };
        let service = self.inner.clone();
        let mut recording = None;
        let recorded = request.map(attempt::record(limit, &mut recording));
        let call = self.inner.call(recorded);
        let spare = recording.map(|recording| Spare::new(head, recording, service));
        TokenFuture::out(call, Sent { source, stamp }, spare)
    }
}

impl<S: Clone> TokenService<S> {
    /// A request that cannot go out now: its token has to be waited for, or could not be attached.
    #[cold]
    fn hold<B>(
        &mut self,
        request: Request<B>,
        limit: Option<usize>,
        source: Chosen,
        error: Option<Box<ProtocolError>>,
    ) -> TokenFuture<S, B>
    where
        S: Service<Request<Replay<B>>>,
        B: Body<Data = Bytes>,
    {
        if let Some(error) = error {
            return TokenFuture::failed(Error::Attach(*error).into());
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
