use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokenkeeper_session::{Credential, Error as SourceError, protocol::Verdict};
use tower_service::Service;

use super::attempt::{self, Again, Sent, Spare, Waiting};
use crate::{BoxError, Error, Replay};

type BoxFuture<T> = Pin<Box<dyn Future<Output = Result<T, SourceError>> + Send>>;

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
        // Not ours to touch: the response is what the inner service says.
        Passing {
            #[pin]
            call: F,
        },
        // No token is at hand; the service in here is ready and is called with the request when one has come.
        Waiting {
            token: BoxFuture<Credential>,
            request: Option<Box<Waiting<S, B>>>,
        },
        // The valid path: the request is out with its token.
        Calling {
            #[pin]
            call: F,
            sent: Sent,
            spare: Option<Spare<S, B>>,
        },
        // The token was rejected; the response is kept in case that no better token comes.
        Replacing {
            token: BoxFuture<Option<Credential>>,
            rejected: Option<Box<(R, Spare<S, B>, Sent)>>,
        },
        // A new token is attached; the service of the replay gets ready.
        Readying {
            again: Option<Box<Again<S, B>>>,
        },
        // The replay is out. Whatever comes back goes to the caller.
        Replaying {
            #[pin]
            call: F,
            sent: Sent,
        },
        // Refused before it was sent.
        Failed {
            error: Option<BoxError>,
        },
    }
}

impl<S, B> TokenFuture<S, B>
where
    S: Service<Request<Replay<B>>>,
{
    pub(super) fn passing(call: S::Future) -> Self {
        Self {
            state: State::Passing { call },
        }
    }

    pub(super) fn failed(error: BoxError) -> Self {
        Self {
            state: State::Failed { error: Some(error) },
        }
    }

    #[cold]
    pub(super) fn waiting(waiting: Waiting<S, B>) -> Self
    where
        B: Body<Data = Bytes>,
    {
        let replayable = attempt::replayable(&waiting.request, waiting.limit);
        let waiter = waiting.source.clone();
        let token = Box::pin(async move { waiter.token(replayable).await });
        Self {
            state: State::Waiting {
                token,
                request: Some(Box::new(waiting)),
            },
        }
    }

    /// Attaches the token and calls `service`, which is ready.
    #[inline]
    pub(super) fn start(
        request: Request<B>,
        limit: Option<usize>,
        service: &mut S,
        sent: Sent,
    ) -> Self
    where
        S: Clone,
        B: Body<Data = Bytes>,
    {
        Self {
            state: State::calling(request, limit, service, sent),
        }
    }
}

impl<S, B> State<S, B, S::Future, S::Response>
where
    S: Service<Request<Replay<B>>> + Clone,
    B: Body<Data = Bytes>,
{
    // The valid path: a request's head is more than 200 bytes, and the fewer borders it crosses, the less often it is moved.
    #[inline(always)]
    fn calling(request: Request<B>, limit: Option<usize>, service: &mut S, sent: Sent) -> Self {
        let Some(limit) = limit else {
            let (mut head, body) = request.into_parts();
            return match attempt::attach(&sent.credential, &mut head) {
                Ok(()) => Self::Calling {
                    call: service.call(Request::from_parts(head, Replay::once(body))),
                    sent,
                    spare: None,
                },
                Err(error) => Self::failed(error),
            };
        };
        match attempt::recorded(request, limit, service, &sent.credential) {
            Ok((request, spare)) => Self::Calling {
                call: service.call(request),
                sent,
                spare: Some(spare),
            },
            Err(error) => Self::failed(error),
        }
    }
}

impl<S, B, F, R> State<S, B, F, R> {
    #[cold]
    fn failed(error: Error) -> Self {
        Self::Failed {
            error: Some(error.into()),
        }
    }

    #[cold]
    fn replacing(response: R, spare: Spare<S, B>, sent: Sent) -> Self {
        let asker = sent.clone();
        let token = Box::pin(async move { asker.source.replace(&asker.credential).await });
        Self::Replacing {
            token,
            rejected: Some(Box::new((response, spare, sent))),
        }
    }
}

const POLLED_AFTER_READY: &str = "a future is not polled after it was ready";

impl<S, B, ResBody> Future for TokenFuture<S, B>
where
    S: Service<Request<Replay<B>>, Response = Response<ResBody>> + Clone,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes>,
{
    type Output = Result<Response<ResBody>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Passing { call } => return call.poll(cx).map_err(Into::into),
                StateProjection::Waiting { token, request } => {
                    let credential = ready!(token.as_mut().poll(cx))?;
                    let Waiting {
                        request,
                        limit,
                        mut service,
                        source,
                    } = *request.take().expect(POLLED_AFTER_READY);
                    let sent = Sent { source, credential };
                    State::calling(request, limit, &mut service, sent)
                }
                StateProjection::Calling { call, sent, spare } => {
                    let response = match ready!(call.poll(cx)) {
                        Ok(response) => response,
                        Err(error) => return Poll::Ready(Err(error.into())),
                    };
                    if !is_rejected(sent, &response) {
                        return Poll::Ready(Ok(response));
                    }
                    match spare.take().filter(Spare::is_whole) {
                        Some(spare) => State::replacing(response, spare, sent.clone()),
                        None => {
                            sent.source.rejected(&sent.credential);
                            return Poll::Ready(Ok(response));
                        }
                    }
                }
                StateProjection::Replacing { token, rejected } => {
                    let credential = ready!(token.as_mut().poll(cx))?;
                    let (response, spare, rejected) = *rejected.take().expect(POLLED_AFTER_READY);
                    let Some(credential) = credential else {
                        return Poll::Ready(Ok(response));
                    };
                    let source = rejected.source;
                    let Some(again) = spare.replay(Sent { source, credential })? else {
                        return Poll::Ready(Ok(response));
                    };
                    State::Readying {
                        again: Some(Box::new(again)),
                    }
                }
                StateProjection::Readying { again } => {
                    let service = &mut again.as_mut().expect(POLLED_AFTER_READY).service;
                    ready!(service.poll_ready(cx)).map_err(Into::into)?;
                    let Again {
                        mut service,
                        request,
                        sent,
                    } = *again.take().expect(POLLED_AFTER_READY);
                    State::Replaying {
                        call: service.call(request),
                        sent,
                    }
                }
                StateProjection::Replaying { call, sent } => {
                    let response = ready!(call.poll(cx)).map_err(Into::into)?;
                    if is_rejected(sent, &response) {
                        // The source has to know that its fresh token was rejected too: it holds off further refreshes.
                        sent.source.rejected(&sent.credential);
                    }
                    return Poll::Ready(Ok(response));
                }
                StateProjection::Failed { error } => {
                    return Poll::Ready(Err(error.take().expect(POLLED_AFTER_READY)));
                }
            };
            // Drops the call, and with it what an inner layer holds for it (a permit, say), before the next one is made.
            state.set(next);
        }
    }
}

fn is_rejected<ResBody>(sent: &Sent, response: &Response<ResBody>) -> bool {
    let verdict = sent
        .source
        .verdict(&sent.credential, response.status(), response.headers());
    matches!(verdict, Verdict::Rejected)
}

impl<S, B> fmt::Debug for TokenFuture<S, B>
where
    S: Service<Request<Replay<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenFuture")
    }
}
