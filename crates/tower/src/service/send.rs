use bytes::Bytes;
use http::Request;
use http_body::Body;
use tokenkeeper_engine::TokenVersion;
use tower_service::Service;

use super::{
    attempt::{Head, Second},
    future::TokenFuture,
};
use crate::{
    Error, Recording, Replay,
    exchange::{Exchange, Fresh, Sent, is_grpc},
};

/// Attaches the token and sends the request, once or so that it can be replayed.
// Only off the valid path, which does the same where the request is: here it is moved once more.
#[inline(never)]
pub(super) fn send<S, B>(
    inner: &mut S,
    mut request: Request<B>,
    exchange: Exchange,
    token: Fresh<'_>,
) -> TokenFuture<S, B>
where
    S: Service<Request<Replay<B>>> + Clone,
    B: Body<Data = Bytes>,
{
    let head = copied(&request, &exchange);
    let version = match token.attach(&mut request) {
        Ok(version) => version,
        Err(error) => return TokenFuture::failed(Error::Attach(*error).into()),
    };
    drop(token);
    let (call, sent) = match head {
        Some(head) => call_recorded(inner, request, exchange, version, head),
        None => call_once(inner, request, exchange, version),
    };
    TokenFuture::sent(call, sent)
}

/// A call in flight, and what judges its response.
pub(super) type Call<S, B> = (
    <S as Service<Request<Replay<B>>>>::Future,
    Sent<Second<S, B>>,
);

/// Copies the head for a replay, if the request may be replayed.
#[inline]
pub(super) fn copied<B>(request: &Request<B>, exchange: &Exchange) -> Option<(usize, Head)> {
    let limit = exchange.replay_limit()?;
    Some((limit, Head::of(request)))
}

/// Sends a request, which has its token, once.
#[inline(always)]
pub(super) fn call_once<S, B>(
    inner: &mut S,
    request: Request<B>,
    exchange: Exchange,
    version: TokenVersion,
) -> Call<S, B>
where
    S: Service<Request<Replay<B>>>,
    B: Body<Data = Bytes>,
{
    let is_grpc = is_grpc(&request);
    let call = inner.call(request.map(Replay::once));
    (call, exchange.sent_as(is_grpc, version, None))
}

/// Sends a request, which has its token, so that it can be replayed with `head` within `limit`.
#[inline(always)]
pub(super) fn call_recorded<S, B>(
    inner: &mut S,
    request: Request<B>,
    exchange: Exchange,
    version: TokenVersion,
    (limit, head): (usize, Head),
) -> Call<S, B>
where
    S: Service<Request<Replay<B>>> + Clone,
    B: Body<Data = Bytes>,
{
    let is_grpc = is_grpc(&request);
    let service = inner.clone();
    let mut recording = None;
    let call = inner.call(request.map(record(limit, &mut recording)));
    let second = recording.map(|recording| Second::new(head, recording, service));
    (call, exchange.sent_as(is_grpc, version, second))
}

/// Records a body while it is sent, and puts the other end into `recording`.
#[inline]
pub(super) fn record<B>(
    limit: usize,
    recording: &mut Option<Recording<B>>,
) -> impl FnOnce(B) -> Replay<B>
where
    B: Body<Data = Bytes>,
{
    move |body| {
        let (body, kept) = Replay::recorded(body, limit);
        *recording = Some(kept);
        body
    }
}
