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

use super::attempt::{Again, Attempt, Prepared, Sent, Spare};
use crate::{BoxError, Error, Replay, tokens::Chosen};

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
            request: Option<(Prepared<B>, S, Chosen)>,
        },
        // The valid path: the request is out with its token.
        Calling {
            #[pin]
            call: F,
            sent: Option<Sent>,
            spare: Option<Spare<S, B>>,
        },
        // The token was rejected; the response is kept in case that no better token comes.
        Replacing {
            token: BoxFuture<Option<Credential>>,
            rejected: Option<(R, Spare<S, B>, Chosen)>,
        },
        // A new token is attached; the service of the replay gets ready.
        Readying {
            service: S,
            request: Option<(Request<Replay<B>>, Sent)>,
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

    pub(super) fn waiting(prepared: Prepared<B>, ready: S, source: Chosen) -> Self
    where
        B: Body<Data = Bytes>,
    {
        let replayable = prepared.replayable();
        let waiter = source.clone();
        let token = Box::pin(async move { waiter.token(replayable).await });
        Self {
            state: State::Waiting {
                token,
                request: Some((prepared, ready, source)),
            },
        }
    }

    pub(super) fn start(attempt: Result<Attempt<S, S::Future, B>, Error>) -> Self {
        Self {
            state: State::calling(attempt),
        }
    }
}

impl<S, B, F, R> State<S, B, F, R> {
    fn calling(attempt: Result<Attempt<S, F, B>, Error>) -> Self {
        match attempt {
            Ok(Attempt { call, sent, spare }) => Self::Calling {
                call,
                sent: Some(sent),
                spare,
            },
            Err(error) => Self::Failed {
                error: Some(error.into()),
            },
        }
    }

    fn replacing(response: R, spare: Spare<S, B>, sent: Sent) -> Self {
        let Sent { source, credential } = sent;
        let asker = source.clone();
        let token = Box::pin(async move { asker.replace(&credential).await });
        Self::Replacing {
            token,
            rejected: Some((response, spare, source)),
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
                    let (prepared, mut service, source) = request.take().expect(POLLED_AFTER_READY);
                    State::calling(prepared.send(&mut service, source, credential))
                }
                StateProjection::Calling { call, sent, spare } => {
                    let response = ready!(call.poll(cx)).map_err(Into::into)?;
                    let sent = sent.take().expect(POLLED_AFTER_READY);
                    if !is_rejected(&sent, &response) {
                        return Poll::Ready(Ok(response));
                    }
                    match spare.take().filter(Spare::is_whole) {
                        Some(spare) => State::replacing(response, spare, sent),
                        None => {
                            sent.source.rejected(&sent.credential);
                            return Poll::Ready(Ok(response));
                        }
                    }
                }
                StateProjection::Replacing { token, rejected } => {
                    let credential = ready!(token.as_mut().poll(cx))?;
                    let (response, spare, source) = rejected.take().expect(POLLED_AFTER_READY);
                    let Some(credential) = credential else {
                        return Poll::Ready(Ok(response));
                    };
                    let Some(Again { service, request }) = spare.replay(&credential)? else {
                        return Poll::Ready(Ok(response));
                    };
                    let sent = Sent { source, credential };
                    State::Readying {
                        service,
                        request: Some((request, sent)),
                    }
                }
                StateProjection::Readying { service, request } => {
                    ready!(service.poll_ready(cx)).map_err(Into::into)?;
                    let (request, sent) = request.take().expect(POLLED_AFTER_READY);
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
        .read(&sent.credential, response.status(), response.headers());
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
