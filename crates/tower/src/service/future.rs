use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokenkeeper_engine::{Credential, Error as SourceError, protocol::Verdict};
use tower_service::Service;

use super::attempt::{self, Again, Sent, Spare, Waiting};
use crate::{BoxError, Rejected, Replay};

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
        // A request is out: with a token and the means to send it again, with a token alone, or as it came.
        Out {
            #[pin]
            call: F,
            sent: Option<Sent>,
            spare: Option<Spare<S, B>>,
        },
        // No token is at hand; the service in here is ready and is called with the request when one has come.
        Waiting {
            token: BoxFuture<Credential>,
            request: Option<Box<Waiting<S, B>>>,
        },
        // The token was rejected; the response is kept for the caller in case no better token comes.
        Replacing {
            token: BoxFuture<Option<Credential>>,
            rejected: Option<Box<(R, Spare<S, B>, Sent)>>,
        },
        // A new token is attached; the service of the replay gets ready.
        Readying {
            again: Option<Box<Again<S, B>>>,
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
    #[inline]
    pub(super) fn passing(call: S::Future) -> Self {
        Self {
            state: State::Out {
                call,
                sent: None,
                spare: None,
            },
        }
    }

    /// A request is out with its token.
    #[inline]
    pub(super) fn out(call: S::Future, sent: Sent, spare: Option<Spare<S, B>>) -> Self {
        Self {
            state: State::Out {
                call,
                sent: Some(sent),
                spare,
            },
        }
    }

    #[cold]
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
        let token = waiting.source.clone().into_credential(replayable);
        Self {
            state: State::Waiting {
                token,
                request: Some(Box::new(waiting)),
            },
        }
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

    // The valid path alone, so that it becomes a part of whoever polls.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let end = match state.as_mut().project() {
                StateProjection::Out { call, sent, .. } => {
                    let response = match ready!(call.poll(cx)) {
                        Ok(response) => response,
                        Err(error) => return Poll::Ready(Err(error.into())),
                    };
                    if sent
                        .as_ref()
                        .is_none_or(|sent| sent.source.is_content(&response))
                    {
                        return Poll::Ready(Ok(response));
                    }
                    state.as_mut().judge(response)
                }
                _ => ready!(state.as_mut().wait(cx))?,
            };
            if let Some(response) = end {
                return Poll::Ready(Ok(response));
            }
        }
    }
}

impl<S, B, ResBody> State<S, B, S::Future, Response<ResBody>>
where
    S: Service<Request<Replay<B>>, Response = Response<ResBody>> + Clone,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes>,
    ResBody: Send + 'static,
{
    /// Ends with the response, unless it rejects the token and a better one is worth waiting for.
    #[cold]
    fn judge(mut self: Pin<&mut Self>, response: Response<ResBody>) -> Option<Response<ResBody>> {
        let StateProjection::Out {
            sent: Some(sent),
            spare,
            ..
        } = self.as_mut().project()
        else {
            return Some(response);
        };
        let (status, headers) = (response.status(), response.headers());
        if sent.source.classify_response(sent.stamp, status, headers) != Verdict::Rejected {
            return Some(response);
        }
        let Some(spare) = spare.take().filter(Spare::is_whole) else {
            // Also where it was the replay: the source has to know that its fresh token was rejected too, and holds off further refreshes.
            sent.source.report_rejection(sent.stamp);
            return Some(response);
        };
        let asker = sent.clone();
        let token = Box::pin(async move { asker.source.replacement(asker.stamp).await });
        let rejected = Some(Box::new((response, spare, sent.clone())));
        // Drops the call, and with it what an inner layer holds for it (a permit, say), before the next one is made.
        self.set(Self::Replacing { token, rejected });
        None
    }

    /// Goes on once the token or the service is there that was waited for.
    #[cold]
    fn wait(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Response<ResBody>>, BoxError>> {
        let next = match self.as_mut().project() {
            StateProjection::Out { .. } => return Poll::Ready(Ok(None)),
            StateProjection::Waiting { token, request } => {
                let credential = ready!(token.as_mut().poll(cx))?;
                let waiting = request.take().expect(POLLED_AFTER_READY);
                let (mut service, request, sent, spare) = waiting.with(&credential)?;
                Self::Out {
                    call: service.call(request),
                    sent: Some(sent),
                    spare,
                }
            }
            StateProjection::Replacing { token, rejected } => {
                let replaced = ready!(token.as_mut().poll(cx));
                let (response, spare, rejected) = *rejected.take().expect(POLLED_AFTER_READY);
                let credential = match replaced {
                    Ok(Some(credential)) => credential,
                    Ok(None) => return Poll::Ready(Ok(Some(response))),
                    Err(error) => {
                        return Poll::Ready(Err(Rejected::new(error, response).into()));
                    }
                };
                match spare.replay(rejected.source, &credential)? {
                    Some(again) => Self::Readying {
                        again: Some(Box::new(again)),
                    },
                    None => return Poll::Ready(Ok(Some(response))),
                }
            }
            StateProjection::Readying { again } => {
                let service = &mut again.as_mut().expect(POLLED_AFTER_READY).service;
                ready!(service.poll_ready(cx)).map_err(Into::into)?;
                let mut again = again.take().expect(POLLED_AFTER_READY);
                Self::Out {
                    call: again.service.call(again.request),
                    sent: Some(again.sent),
                    spare: None,
                }
            }
            StateProjection::Failed { error } => {
                return Poll::Ready(Err(error.take().expect(POLLED_AFTER_READY)));
            }
        };
        self.set(next);
        Poll::Ready(Ok(None))
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
