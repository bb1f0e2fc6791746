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
enum Unsent<S, B, R> {
    /// The account of the request is read from the store.
    Loading {
        loaded: Waiting<()>,
        unbegun: Option<Box<Unbegun<S, B>>>,
    },
    /// The request waits for its token.
    Waiting { held: Option<Box<Held<S, B>>> },
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

    #[cold]
    pub(super) fn waiting(held: Box<Held<S, B>>) -> Self {
        Self { state: held.into() }
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
        Ok(Held::boxed(request, service, exchange, wait).into())
    }
}

impl<S, B, F, R> From<Box<Held<S, B>>> for State<S, B, F, R> {
    fn from(held: Box<Held<S, B>>) -> Self {
        let held = Some(held);
        Unsent::Waiting { held }.into()
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

    // Only the valid path, so that it is inlined into the caller. The response is read where it is
    // and moved once, to the caller: it is as large as a request's head.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        let StateProjection::Sent { call, sent } = state.as_mut().project() else {
            return state.poll_rest(None, cx);
        };
        let polled = call.poll(cx).map_err(Into::into);
        match &polled {
            Poll::Ready(Ok(response)) if !is_content(sent.as_ref(), response.status()) => {
                state.poll_rest(Some(polled), cx)
            }
            _ => polled,
        }
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
    /// Polls off the valid path. `polled`: the result of the call in flight, if that was polled.
    #[cold]
    #[inline(never)]
    fn poll_rest(
        mut self: Pin<&mut Self>,
        mut polled: Option<Poll<Result<Response<ResBody>, BoxError>>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<ResBody>, BoxError>> {
        loop {
            let end = match self.as_mut().project() {
                StateProjection::Sent { call, .. } => {
                    let polled = polled.take();
                    let polled = polled.unwrap_or_else(|| call.poll(cx).map_err(Into::into));
                    self.as_mut().on_response(ready!(polled)?)
                }
                StateProjection::Unsent { .. } => ready!(self.as_mut().poll_wait(cx))?,
            };
            if let Some(response) = end {
                return Poll::Ready(Ok(response));
            }
        }
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
            Unsent::Waiting { held } => {
                let waiting = held.as_mut().expect(POLLED_AFTER_READY);
                let credential = ready!(waiting.poll_token(cx))?;
                let held = held.take().expect(POLLED_AFTER_READY);
                held.send(credential).state
            }
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
