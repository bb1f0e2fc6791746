use bytes::Bytes;
use http::Request;
use http_body::Body;
use tower_service::Service;

use super::{
    attempt::{Head, Second},
    future::TokenFuture,
};
use crate::{
    Error, Recording, Replay,
    exchange::{Exchange, Fresh, is_grpc},
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
    let limit = exchange.replay_limit();
    let head = limit.map(|_| Head::of(&request));
    let is_grpc = is_grpc(&request);
    let version = match token.attach(&mut request) {
        Ok(version) => version,
        Err(error) => return TokenFuture::failed(Error::Attach(*error).into()),
    };
    drop(token);
    let (Some(limit), Some(head)) = (limit, head) else {
        let call = inner.call(request.map(Replay::once));
        return TokenFuture::sent(call, exchange.sent_as(is_grpc, version, None));
    };
    let service = inner.clone();
    let mut recording = None;
    let call = inner.call(request.map(record(limit, &mut recording)));
    let second = recording.map(|recording| Second::new(head, recording, service));
    TokenFuture::sent(call, exchange.sent_as(is_grpc, version, second))
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
