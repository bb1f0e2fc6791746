use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tokenkeeper_engine::Credential;
use tower_service::Service;

use super::attempt::{Departure, Held, Second, Unbegun};
use crate::{
    BoxError, Rejected, Replay,
    exchange::{AfterReplacement, Replacing, Sent, Waiting},
};

pin_project! {
    /// The future of a [`TokenService`](crate::TokenService).
    pub struct TokenFuture<S, B>
    where
        S: Service<Request<Replay<B>>>,
    {
        #[pin]
        state: State<S, B, S::Future, S::Response>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F, R> {
        // A request is sent. `None`: it passes untouched.
        Sent {
            #[pin]
            call: F,
            sent: Option<Sent<Second<S, B>>>,
        },
        // Any other state: on the valid path there are two, told apart by one comparison.
        Unsent { unsent: Unsent<S, B, R> },
    }
}

/// A state in which no request is in flight.
#[allow(
    clippy::large_enum_variant,
    reason = "a request that waits is hardly larger than one in flight"
)]
enum Unsent<S, B, R> {
    /// The account of the request is read from the store.
    Loading {
        loaded: Waiting<()>,
        unbegun: Option<Box<Unbegun<S, B>>>,
    },
    /// The request waits for its token.
    Waiting { held: Held<S, B> },
    /// The token was rejected. The response is kept in case no new token comes.
    Replacing {
        token: Waiting<Option<Credential>>,
        rejected: Option<Box<RejectedCall<S, B, R>>>,
    },
    /// A new token is attached. The service of the replay gets ready.
    Readying {
        replay: Option<Box<Departure<S, B>>>,
    },
    /// The request was refused before it was sent.
    Failed { error: Option<BoxError> },
}

/// The response that rejected the token, and what follows it.
type RejectedCall<S, B, R> = (R, Replacing<Second<S, B>>);

impl<S, B, F, R> From<Unsent<S, B, R>> for State<S, B, F, R> {
    fn from(unsent: Unsent<S, B, R>) -> Self {
        Self::Unsent { unsent }
    }
}

impl<S, B> TokenFuture<S, B>
where
    S: Service<Request<Replay<B>>>,
{
    #[inline]
    pub(super) fn passing(call: S::Future) -> Self {
        Self {
            state: State::Sent { call, sent: None },
        }
    }

    #[inline]
    pub(super) fn sent(call: S::Future, sent: Sent<Second<S, B>>) -> Self {
        Self {
            state: State::Sent {
                call,
                sent: Some(sent),
            },
        }
    }

    #[cold]
    pub(super) fn failed(error: BoxError) -> Self {
        let error = Some(error);
        Self {
            state: Unsent::Failed { error }.into(),
        }
    }

    #[cold]
    pub(super) fn loading(unbegun: Unbegun<S, B>) -> Self {
        let unsent = Unsent::Loading {
            loaded: unbegun.policy.load(unbegun.request.extensions()),
            unbegun: Some(Box::new(unbegun)),
        };
        Self {
            state: unsent.into(),
        }
    }

    #[inline(always)]
    pub(super) fn waiting(held: Held<S, B>) -> Self {
        Self {
            state: Unsent::Waiting { held }.into(),
        }
    }
}

impl<S, B> Unbegun<S, B>
where
    S: Service<Request<Replay<B>>>,
    B: Body<Data = Bytes>,
{
    /// Begins again, now that the account is loaded.
    fn begin(self) -> Result<State<S, B, S::Future, S::Response>, BoxError> {
        let Self {
            mut request,
            mut service,
            policy,
        } = self;
        let Some(exchange) = policy.begin_owned(&mut request)? else {
            let call = service.call(request.map(Replay::once));
            return Ok(State::Sent { call, sent: None });
        };
        let wait = exchange.wait(exchange.is_replayable_whole(&request));
        let held = Held::new(request, service, exchange, wait);
        Ok(Unsent::Waiting { held }.into())
    }
}

const POLLED_AFTER_READY: &str = "a future is not polled after it was ready";

impl<S, B, ResBody> Future for TokenFuture<S, B>
where
    S: Service<Request<Replay<B>>, Response = Response<ResBody>> + Clone,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes>,
    ResBody: Send + 'static,
{
    type Output = Result<Response<ResBody>, BoxError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().state.poll(cx)
    }
}

/// Returns whether the response goes to the caller without being judged.
#[inline]
fn is_content<C>(sent: Option<&Sent<C>>, status: StatusCode) -> bool {
    sent.is_none_or(|sent| sent.is_content(status))
}

impl<S, B, ResBody> State<S, B, S::Future, Response<ResBody>>
where
    S: Service<Request<Replay<B>>, Response = Response<ResBody>> + Clone,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes>,
    ResBody: Send + 'static,
{
    // Only the valid path, so that it is inlined into the caller. The response is read where it is
    // and moved once, to the caller: it is as large as a request's head.
    #[inline(always)]
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<ResBody>, BoxError>> {
        let StateProjection::Sent { call, sent } = self.as_mut().project() else {
            return self.poll_unsent(cx);
        };
        match call.poll(cx).map_err(Into::into) {
            Poll::Ready(Ok(response)) if !is_content(sent.as_ref(), response.status()) => {
                self.poll_rest(Some(response), cx)
            }
            polled => polled,
        }
    }

    /// Polls a request that is not in flight. Most of those wait for a refresh, which takes few
    /// registers: the other states have their own function.
    #[cold]
    #[inline(never)]
    fn poll_unsent(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<ResBody>, BoxError>> {
        let StateProjection::Unsent {
            unsent: Unsent::Waiting { held },
        } = self.as_mut().project()
        else {
            return self.poll_rest(None, cx);
        };
        let token = ready!(held.poll_token(cx))?;
        let (version, head) = held.attach(&token)?;
        drop(token);
        // Two branches up to the end: in one, a request that is sent once would move the room for a
        // second attempt.
        match head {
            None => {
                let (call, sent) = held.call_once(version);
                let sent = Some(sent);
                self.set(State::Sent { call, sent });
            }
            Some(head) => {
                let (call, sent) = held.call_recorded(version, head);
                let sent = Some(sent);
                self.set(State::Sent { call, sent });
            }
        }
        self.poll(cx)
    }

    /// Polls off the valid path. `judged`: the response that came just now, if the request was in
    /// flight.
    #[cold]
    #[inline(never)]
    fn poll_rest(
        mut self: Pin<&mut Self>,
        judged: Option<Response<ResBody>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<ResBody>, BoxError>> {
        if let Some(response) = judged
            && let Some(response) = self.as_mut().on_response(response)
        {
            return Poll::Ready(Ok(response));
        }
        if let Some(response) = ready!(self.as_mut().poll_wait(cx))? {
            return Poll::Ready(Ok(response));
        }
        // A request has few states, so this recurses a few times at most.
        self.poll(cx)
    }

    /// Returns the response, or keeps it and waits for a new token.
    fn on_response(
        mut self: Pin<&mut Self>,
        response: Response<ResBody>,
    ) -> Option<Response<ResBody>> {
        let StateProjection::Sent {
            sent: Some(sent), ..
        } = self.as_mut().project()
        else {
            return Some(response);
        };
        let Some(replacing) = sent.on_response(response.status(), response.headers()) else {
            return Some(response);
        };
        // Drops the call before the next one is made, and with it what an inner layer holds for it,
        // such as a permit.
        let replacing = Unsent::Replacing {
            token: replacing.replacement(),
            rejected: Some(Box::new((response, replacing))),
        };
        self.set(replacing.into());
        None
    }

    /// Waits for a token or for the service of the replay. `None`: the next state is set.
    fn poll_wait(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Response<ResBody>>, BoxError>> {
        let StateProjection::Unsent { unsent } = self.as_mut().project() else {
            return Poll::Ready(Ok(None));
        };
        let next = match unsent {
            Unsent::Loading { loaded, unbegun } => {
                ready!(loaded.as_mut().poll(cx))?;
                unbegun.take().expect(POLLED_AFTER_READY).begin()?
            }
            // `poll_unsent` polls it.
            Unsent::Waiting { .. } => return Poll::Ready(Ok(None)),
            Unsent::Replacing { token, rejected } => {
                let replacement = ready!(token.as_mut().poll(cx));
                let (response, replacing) = *rejected.take().expect(POLLED_AFTER_READY);
                match replacing.on_replacement(replacement) {
                    AfterReplacement::Replay {
                        credential,
                        request,
                        sent,
                    } => {
                        let replay = Departure::replay(request, &credential, sent)?;
                        let replay = Some(Box::new(replay));
                        Unsent::Readying { replay }.into()
                    }
                    AfterReplacement::Return => return Poll::Ready(Ok(Some(response))),
                    AfterReplacement::Fail(error) => {
                        return Poll::Ready(Err(Rejected::new(error, response).into()));
                    }
                }
            }
            Unsent::Readying { replay } => {
                let service = &mut replay.as_mut().expect(POLLED_AFTER_READY).service;
                ready!(service.poll_ready(cx)).map_err(Into::into)?;
                replay.take().expect(POLLED_AFTER_READY).call()
            }
            Unsent::Failed { error } => {
                return Poll::Ready(Err(error.take().expect(POLLED_AFTER_READY)));
            }
        };
        self.set(next);
        Poll::Ready(Ok(None))
    }
}

impl<S, B> Departure<S, B>
where
    S: Service<Request<Replay<B>>>,
{
    /// Sends the request.
    fn call(mut self) -> State<S, B, S::Future, S::Response> {
        State::Sent {
            call: self.service.call(self.request),
            sent: Some(self.sent),
        }
    }
}

impl<S, B> fmt::Debug for TokenFuture<S, B>
where
    S: Service<Request<Replay<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenFuture")
    }
}
