//! How token requests leave: never through the caller's own stack, where a concurrency limit would
//! deadlock.

use std::{fmt, pin::pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokenkeeper_protocol::{MAX_TOKEN_RESPONSE, Origin};
use tokio::time::timeout;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Sends requests to a token endpoint.
///
/// An implementation follows no redirect, retries nothing, and bounds the body that it reads
/// ([`MAX_TOKEN_RESPONSE`](tokenkeeper_protocol::MAX_TOKEN_RESPONSE)): a redirect would carry
/// secrets to another host, and a retry would present a refresh token twice. [`exchange_within`]
/// does the rest for any client.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends `request` and reads the whole answer, for at most `deadline` from now.
    ///
    /// The deadline ends the waiting, not the reading: an answer that has arrived wins over the
    /// timer, and time for which the process was stopped hardly counts.
    ///
    /// # Errors
    /// - [`TransportError::NotSent`] only if no byte of the request can have reached the server.
    /// - [`TransportError::TimedOut`] if the deadline passed, or a timeout of the client's own: the
    ///   server may still be at work on the request, so it must not be sent again before the server
    ///   can be done with it.
    /// - [`TransportError::Unknown`] if the connection was cut: no answer can come any more, but
    ///   the server may have acted on the request.
    /// - [`TransportError::TooLarge`] if the answer's body is over the bound.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: if the future is dropped after sending began, an answer that holds the only
    /// copy of a new refresh token may be lost.
    async fn send(
        &self,
        request: Request<Bytes>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(
        &self,
        request: Request<Bytes>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        (**self).send(request, deadline).await
    }
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Name resolution, connecting or the TLS handshake failed: the server saw nothing, the request
    /// may be sent again.
    #[error("the token endpoint could not be reached; nothing was sent")]
    NotSent(#[source] BoxError),
    /// The answer did not come within the deadline. The server may still be at work on the request.
    #[error("the token endpoint gave no answer in time; it may still be at work on the request")]
    TimedOut,
    /// The connection was cut after sending began. The server may have acted on the request.
    #[error("no answer came from the token endpoint; the request may have been received")]
    Unknown(#[source] BoxError),
    /// The answer's body is over the bound. It counts as received.
    #[error("the token endpoint's answer is over the size bound")]
    TooLarge,
}

/// How long an answer that came while the process was busy has to reach us after the deadline.
const GRACE: Duration = Duration::from_millis(100);

/// The deadline is waited for in so many pieces, so that time in which the process did not run
/// hardly counts.
const SLICES: u32 = 10;

/// What every [`Transport`] does around its client's own `exchange`, which sends the request once
/// and returns the answer's head and unread body: refuses a host that tokens may not be sent to,
/// bounds the body, and ends the waiting.
///
/// A process that was stopped (`SIGSTOP`, a suspended machine) may have sent its request only on
/// waking, with the deadline near or long past. So time in which the process did not run hardly
/// counts: of a deadline that it slept through, nine tenths are left when it wakes, since
/// the answer may hold a refresh token that nobody else will ever get.
///
/// ```
/// use async_trait::async_trait;
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use std::time::Duration;
/// use tokenkeeper_engine::{Transport, TransportError, exchange_within};
///
/// /// Sends with a client of your own.
/// #[derive(Debug)]
/// struct MyTransport;
///
/// #[async_trait]
/// impl Transport for MyTransport {
///     async fn send(&self, request: Request<Bytes>, deadline: Duration) -> Result<Response<Bytes>, TransportError> {
///         exchange_within(request, deadline, |request| async move {
///             // Here the client sends it; this one echoes.
///             Ok(request.into_body()).map(|body| Response::new(http_body_util::Full::new(body)))
///         })
///         .await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let request = Request::post("http://token.example/").body(Bytes::new()).expect("valid");
/// let error = MyTransport.send(request, Duration::from_secs(10)).await;
/// assert!(matches!(error, Err(TransportError::NotSent(_))), "not https");
/// # }
/// ```
///
/// # Errors
/// Those of [`Transport::send`].
pub async fn exchange_within<B, F>(
    request: Request<Bytes>,
    deadline: Duration,
    exchange: impl FnOnce(Request<Bytes>) -> F,
) -> Result<Response<Bytes>, TransportError>
where
    B: Body<Error: Into<BoxError>>,
    F: Future<Output = Result<Response<B>, TransportError>>,
{
    if Origin::of(request.uri()).is_none() {
        return Err(TransportError::NotSent(
            "a token endpoint is https, or loopback".into(),
        ));
    }
    let mut answer = pin!(async { read(exchange(request).await?).await });
    // A stop, however long, takes one slice at most.
    for slice in [deadline / SLICES; SLICES as usize]
        .into_iter()
        .chain([GRACE])
    {
        // Polls the answer before its timer.
        if let Ok(answer) = timeout(slice, answer.as_mut()).await {
            return answer;
        }
    }
    Err(TransportError::TimedOut)
}

async fn read<B>(response: Response<B>) -> Result<Response<Bytes>, TransportError>
where
    B: Body<Error: Into<BoxError>>,
{
    let (head, body) = response.into_parts();
    if body.size_hint().lower() > MAX_TOKEN_RESPONSE as u64 {
        return Err(TransportError::TooLarge);
    }
    match Limited::new(body, MAX_TOKEN_RESPONSE).collect().await {
        Ok(body) => Ok(Response::from_parts(head, body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Err(TransportError::TooLarge),
        Err(error) => Err(TransportError::Unknown(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use futures_util::{Stream, stream};
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(10);

    /// Sends to a server that answers after so long, from a process that was stopped for so long
    /// just before.
    async fn send(
        stopped: Duration,
        answered: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let request = Request::post("https://token.example/").body(Bytes::new());
        exchange_within(request.unwrap(), DEADLINE, |_| async move {
            tokio::time::advance(stopped).await;
            tokio::time::sleep(answered).await;
            Ok(Response::new(Full::new(Bytes::from_static(b"{}"))))
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_the_waiting() {
        let late = send(Duration::ZERO, DEADLINE + GRACE * 2).await;
        assert!(matches!(late, Err(TransportError::TimedOut)), "{late:?}");
        assert!(send(Duration::ZERO, DEADLINE + GRACE / 2).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_stopped_before_sending_waits_all_the_same() {
        for stopped in [DEADLINE * 10, DEADLINE, DEADLINE - GRACE, DEADLINE / 2] {
            let answer = send(stopped, DEADLINE * 8 / 10).await;
            assert!(answer.is_ok(), "{stopped:?}: {answer:?}");
        }
        let late = send(DEADLINE * 10, DEADLINE * 2).await;
        assert!(matches!(late, Err(TransportError::TimedOut)), "{late:?}");
    }

    /// Sends to a server whose answer's body does this.
    async fn send_to<S>(body: S) -> Result<Response<Bytes>, TransportError>
    where
        S: Stream<Item = Result<Frame<Bytes>, io::Error>> + Unpin,
    {
        let request = Request::post("https://token.example/").body(Bytes::new());
        exchange_within(request.unwrap(), DEADLINE, |_| async {
            Ok(Response::new(StreamBody::new(body)))
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_is_late_and_one_that_is_cut_is_not() {
        let late = send_to(stream::pending()).await;
        assert!(matches!(late, Err(TransportError::TimedOut)), "{late:?}");
        let cut = io::Error::from(io::ErrorKind::ConnectionReset);
        let cut = send_to(stream::iter([Err(cut)])).await;
        assert!(matches!(cut, Err(TransportError::Unknown(_))), "{cut:?}");
    }
}
