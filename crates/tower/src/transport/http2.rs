//! Connections of HTTP/2, each shared by many requests.

use std::{
    error::Error as _,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
};
use hyper_util::rt::TokioExecutor;
use tokenkeeper_engine::TransportError;
use tokio::time::Instant;

use super::connect::Io;
use crate::BoxError;

/// A connection is not used again once it has been silent for this long: it may have died
/// unnoticed.
pub(super) const MAX_SILENCE: Duration = Duration::from_secs(5);

/// The most requests at once on one connection, even if the server allows more.
const MAX_STREAMS: usize = 100;

/// A connection that requests share.
pub(super) struct Shared {
    sender: SendRequest<Full<Bytes>>,
    /// The most requests at once.
    room: Arc<AtomicUsize>,
    state: Mutex<State>,
}

struct State {
    /// When the server was last heard.
    heard: Instant,
    /// The number of requests in flight.
    streams: usize,
    /// Whether the server has left a request unprocessed.
    refused: bool,
}

impl Shared {
    /// Returns a connection, and the future that drives it.
    pub(super) async fn handshake(
        io: Io,
    ) -> Result<(Arc<Self>, impl Future<Output = ()> + Send), BoxError> {
        let (sender, mut connection) = http2::handshake(TokioExecutor::new(), io).await?;
        let room = Arc::new(AtomicUsize::new(MAX_STREAMS));
        let allowed = room.clone();
        // It is polled at each request, so the server's limit holds from the second one on. The
        // streams learn of an error as well.
        let driver = poll_fn(move |cx| {
            let ended = Pin::new(&mut connection).poll(cx).map(drop);
            let streams = connection.current_max_send_streams();
            allowed.store(MAX_STREAMS.min(streams), Ordering::Relaxed);
            ended
        });
        let state = State {
            heard: Instant::now(),
            streams: 0,
            refused: false,
        };
        let shared = Self {
            sender,
            room,
            state: Mutex::new(state),
        };
        Ok((Arc::new(shared), driver))
    }

    /// Returns whether requests may be sent over the connection, now or later.
    pub(super) fn is_live(&self) -> bool {
        let state = self.lock();
        !state.refused && !self.sender.is_closed() && state.heard.elapsed() < MAX_SILENCE
    }

    /// Takes the place of a request if the connection is live and has room for it.
    pub(super) fn open(self: &Arc<Self>) -> Option<Stream> {
        if !self.is_live() {
            return None;
        }
        let mut state = self.lock();
        if state.streams >= self.room.load(Ordering::Relaxed) {
            return None;
        }
        state.streams += 1;
        Some(Stream(self.clone()))
    }

    fn note_heard(&self) {
        self.lock().heard = Instant::now();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one request on a shared connection.
pub(super) struct Stream(Arc<Shared>);

impl Stream {
    pub(super) async fn send(self, request: Request<Bytes>) -> Result<Response<Answer>, Failure> {
        let mut sender = self.0.sender.clone();
        match sender.try_send_request(request.map(Full::new)).await {
            Ok(response) => {
                self.0.note_heard();
                Ok(response.map(|body| Answer {
                    body,
                    stream: Some(self),
                }))
            }
            Err(mut failed) => {
                // hyper hands back a request of which it has written nothing.
                let not_sent = failed.take_message().is_some();
                let error = failed.into_error();
                if not_sent || is_unprocessed(&error) {
                    self.0.lock().refused = true;
                    Err(Failure::Unprocessed(error))
                } else {
                    Err(Failure::Unknown(error))
                }
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.lock().streams -= 1;
    }
}

/// Returns whether the server promises that it has not processed the request and never will
/// (RFC 9113, section 8.7).
///
/// h2 gives a request the error of the server's `GOAWAY` only if that frame excludes it. A request
/// that the frame includes ends with the connection, as a broken pipe.
fn is_unprocessed(error: &hyper::Error) -> bool {
    let error = error.source().and_then(|source| source.downcast_ref());
    error.is_some_and(|error: &h2::Error| {
        let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        error.is_remote() && (error.is_go_away() || refused)
    })
}

/// The reason why a shared connection brought no response.
pub(super) enum Failure {
    /// The server has processed nothing.
    Unprocessed(hyper::Error),
    Unknown(hyper::Error),
}

impl From<Failure> for TransportError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unprocessed(error) => Self::NotSent(Box::new(error)),
            Failure::Unknown(error) => Self::Unknown(Box::new(error)),
        }
    }
}

/// A response's body, which keeps the request's place on a shared connection.
pub(super) struct Answer {
    body: Incoming,
    stream: Option<Stream>,
}

impl Answer {
    /// The body of a response over a connection that is not shared.
    pub(super) fn unshared(body: Incoming) -> Self {
        Self { body, stream: None }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let (Some(stream), Some(Ok(_))) = (&self.stream, &frame) {
            stream.0.note_heard();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
