//! The transport of token requests.
//!
//! It is separate from the caller's client stack, where a concurrency limit could deadlock: a
//! request that waits for a token would hold the permit that the token request needs.

mod content;

use std::{fmt, pin::pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
#[cfg(doc)]
use tokenkeeper_protocol::AddressPolicy;
use tokenkeeper_protocol::{AddressRefused, MAX_TOKEN_RESPONSE, Origin, RequestBody};
use tokenkeeper_store::ErrorChain;
use tokio::time::timeout;

pub(crate) use self::content::decode;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Sends requests to a token endpoint.
///
/// An implementation follows no redirects and retries nothing: a redirect would carry secrets to
/// another host, and a retry would present a refresh token twice. (A request that HTTP/2 proves to
/// be unprocessed may be sent again.) It reads at most
/// [`MAX_TOKEN_RESPONSE`](tokenkeeper_protocol::MAX_TOKEN_RESPONSE) bytes of a body. Requests ask
/// for no content coding; the engine decodes gzip and deflate anyway.
///
/// A request to a site that a person chose has an [`AddressPolicy`] in its extensions. The
/// implementation resolves the [name](AddressPolicy::name_to_resolve) that the policy gives, judges
/// the addresses that it is about to connect to, and uses no proxy, which would resolve the name
/// itself. It shares no connection between requests of different policies, nor with requests of
/// none. An address that is not allowed is [`TransportError::AddressRefused`].
///
/// It sends a request over a connection that other requests have used only if a lost connection
/// does not leave unknown what became of the request, as with HTTP/2. A server of HTTP/1.1 may
/// close an idle connection at any time, so there each request has its own, and asks the server to
/// close it. The side that closes first keeps the connection's port for a minute. When connecting
/// fails because no local port is free, the engine logs a warning with the host, once until a
/// minute has passed without such a failure.
///
/// A [`RequestBody`] may hold secrets, so `Debug` shows nothing of it. `request.map(Bytes::from)`
/// makes of it what HTTP clients take: do that right before sending, since `Debug` of [`Bytes`]
/// shows all.
///
/// [`exchange_within`] does all of this except the sending:
///
/// ```
/// use std::time::Duration;
///
/// use async_trait::async_trait;
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tokenkeeper_engine::{RequestBody, Transport, TransportError, exchange_within};
///
/// #[derive(Debug)]
/// struct MyTransport;
///
/// #[async_trait]
/// impl Transport for MyTransport {
///     async fn send(
///         &self,
///         request: Request<RequestBody>,
///         deadline: Duration,
///     ) -> Result<Response<Bytes>, TransportError> {
///         exchange_within(request, deadline, |request| async move {
///             // Send it with your HTTP client here. This one echoes the body.
///             let request = request.map(Bytes::from);
///             Ok(Response::new(Full::new(request.into_body())))
///         })
///         .await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let request = Request::post("https://token.example/").body(RequestBody::new("hello")).unwrap();
/// let response = MyTransport.send(request, Duration::from_secs(10)).await.unwrap();
/// assert_eq!(response.body(), "hello");
/// # }
/// ```
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends `request` and reads the whole response, for at most `deadline` from now.
    ///
    /// A response that has arrived wins over the deadline, and time during which the process was
    /// stopped hardly counts.
    ///
    /// # Errors
    /// - [`TransportError::NotSent`] only if the server cannot have processed the request.
    /// - [`TransportError::AddressRefused`] if the request's policy allows none of the addresses.
    /// - [`TransportError::TimedOut`] if the deadline or a timeout of the client passed. The server
    ///   may still process the request.
    /// - [`TransportError::Unknown`] if the connection was cut. No response can come any more, but
    ///   the server may have processed the request.
    /// - [`TransportError::TooLarge`] if the response's body is over the bound.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: if the future is dropped after sending began, a response that holds the
    /// only copy of a new refresh token may be lost.
    async fn send(
        &self,
        request: Request<RequestBody>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(
        &self,
        request: Request<RequestBody>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        (**self).send(request, deadline).await
    }
}

/// The reason why no response came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Name resolution, connecting or the TLS handshake failed, or the server proved by HTTP/2 that
    /// it has processed nothing. The request may be sent again.
    #[error("the token endpoint could not be reached; it has processed nothing")]
    NotSent(#[source] BoxError),
    /// A person chose the site, and it has an address that such a site must not have. Nothing was
    /// sent. It does not help to send the request again: the site or the policy is wrong.
    #[error(transparent)]
    AddressRefused(AddressRefused),
    /// No response came before the deadline. The server may still process the request, so it must
    /// not be sent again at once.
    #[error("the token endpoint did not respond in time; it may still process the request")]
    TimedOut,
    /// The connection was cut after sending began. The server may have processed the request.
    #[error("the connection to the token endpoint was cut; it may have processed the request")]
    Unknown(#[source] BoxError),
    /// The response's body is over the bound. The server may have processed the request.
    #[error("the token endpoint's response is over the size bound")]
    TooLarge,
}

impl TransportError {
    /// Makes the error of a request that was not sent: [`AddressRefused`](Self::AddressRefused) if
    /// the cause or one of its sources is that, otherwise [`NotSent`](Self::NotSent).
    pub fn not_sent(cause: impl Into<BoxError>) -> Self {
        let cause = cause.into();
        let refused = ErrorChain::of(&*cause).find::<AddressRefused>().cloned();
        refused.map_or_else(|| Self::NotSent(cause), Self::AddressRefused)
    }

    pub(crate) fn is_address_refused(&self) -> bool {
        matches!(self, Self::AddressRefused(_))
    }

    /// Returns its name, for the attribute `error.type`.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::NotSent(_) => "not_sent",
            Self::AddressRefused(_) => "address_refused",
            Self::TimedOut => "timeout",
            Self::Unknown(_) => "connection_cut",
            Self::TooLarge => "response_too_large",
        }
    }
}

/// The extra time after the deadline for a response that came while the process was busy.
const GRACE: Duration = Duration::from_millis(100);

/// The number of slices that the deadline is split into: a stop of the process costs at most one.
const SLICES: u32 = 10;

/// Performs a token request for a [`Transport`]: `exchange` sends the request once and returns the
/// response with its unread body.
///
/// This function refuses a target that tokens must not be sent to (it is neither `https` nor
/// loopback), bounds the body, decodes gzip and deflate within the same bound, and enforces the
/// deadline.
///
/// Time during which the process was stopped (`SIGSTOP`, a suspended machine) counts for at most a
/// tenth of the deadline: such a process may have sent its request only after it resumed, and the
/// response may hold the only copy of a new refresh token.
///
/// ```
/// use std::time::Duration;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tokenkeeper_engine::{RequestBody, TransportError, exchange_within};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let request = Request::post("http://token.example/").body(RequestBody::default()).unwrap();
/// let exchange = exchange_within(request, Duration::from_secs(10), |request| async {
///     Ok(Response::new(Full::new(Bytes::from(request.into_body()))))
/// });
/// let error = exchange.await.unwrap_err();
/// assert!(matches!(error, TransportError::NotSent(_)), "the target is not https");
/// # }
/// ```
///
/// # Errors
/// As [`Transport::send`].
///
/// # Cancel safety
///
/// As [`Transport::send`].
pub async fn exchange_within<B, F>(
    request: Request<RequestBody>,
    deadline: Duration,
    exchange: impl FnOnce(Request<RequestBody>) -> F,
) -> Result<Response<Bytes>, TransportError>
where
    B: Body<Error: Into<BoxError>>,
    F: Future<Output = Result<Response<B>, TransportError>>,
{
    if Origin::of(request.uri()).is_none() {
        return Err(TransportError::NotSent(
            "a token endpoint must be https or loopback".into(),
        ));
    }
    let mut response = pin!(async { read(exchange(request).await?).await });
    // However long the process is stopped, only one slice elapses.
    for slice in [deadline / SLICES; SLICES as usize]
        .into_iter()
        .chain([GRACE])
    {
        // `timeout` polls the response before its timer.
        if let Ok(response) = timeout(slice, response.as_mut()).await {
            return response;
        }
    }
    Err(TransportError::TimedOut)
}

/// Reads the body, which is bounded.
async fn read<B>(response: Response<B>) -> Result<Response<Bytes>, TransportError>
where
    B: Body<Error: Into<BoxError>>,
{
    let (head, body) = response.into_parts();
    if body.size_hint().lower() > MAX_TOKEN_RESPONSE as u64 {
        return Err(TransportError::TooLarge);
    }
    match Limited::new(body, MAX_TOKEN_RESPONSE).collect().await {
        Ok(body) => decode(Response::from_parts(head, body.to_bytes())),
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

    /// Stops the process for `stopped`, then sends to a server that responds after
    /// `responds_after`.
    async fn send(
        stopped: Duration,
        responds_after: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let request = Request::post("https://token.example/").body(RequestBody::default());
        exchange_within(request.unwrap(), DEADLINE, |_| async move {
            tokio::time::advance(stopped).await;
            tokio::time::sleep(responds_after).await;
            Ok(Response::new(Full::new(Bytes::from_static(b"{}"))))
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_the_wait() {
        let late = send(Duration::ZERO, DEADLINE + GRACE * 2).await;
        assert!(matches!(late, Err(TransportError::TimedOut)), "{late:?}");
        assert!(send(Duration::ZERO, DEADLINE + GRACE / 2).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_before_sending_hardly_counts() {
        for stopped in [DEADLINE * 10, DEADLINE, DEADLINE - GRACE, DEADLINE / 2] {
            let response = send(stopped, DEADLINE * 8 / 10).await;
            assert!(response.is_ok(), "{stopped:?}: {response:?}");
        }
        let late = send(DEADLINE * 10, DEADLINE * 2).await;
        assert!(matches!(late, Err(TransportError::TimedOut)), "{late:?}");
    }

    /// Sends to a server that responds with this body.
    async fn send_to<S>(body: S) -> Result<Response<Bytes>, TransportError>
    where
        S: Stream<Item = Result<Frame<Bytes>, io::Error>> + Unpin,
    {
        let request = Request::post("https://token.example/").body(RequestBody::default());
        exchange_within(request.unwrap(), DEADLINE, |_| async {
            Ok(Response::new(StreamBody::new(body)))
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_body_times_out_and_a_cut_one_is_unknown() {
        let late = send_to(stream::pending()).await;
        assert!(matches!(late, Err(TransportError::TimedOut)), "{late:?}");
        let cut = io::Error::from(io::ErrorKind::ConnectionReset);
        let cut = send_to(stream::iter([Err(cut)])).await;
        assert!(matches!(cut, Err(TransportError::Unknown(_))), "{cut:?}");
    }
}
