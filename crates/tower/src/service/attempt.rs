use bytes::Bytes;
use http::{Request, request::Parts};
use http_body::Body;
use tokenkeeper_session::Credential;

use crate::{Error, Recording, Replay, tokens::Chosen};

/// A request that waits for its token, and the service for it, which is ready.
pub(super) struct Waiting<S, B> {
    pub(super) request: Request<B>,
    /// How much of its body is kept; `None`: it is sent once.
    pub(super) limit: Option<usize>,
    pub(super) service: S,
    pub(super) source: Chosen,
}

/// Which credential went out, and whose it is.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) source: Chosen,
    pub(super) credential: Credential,
}

/// Everything for sending a request once more: its head without the token, its body, and a service that has still to become ready.
pub(super) struct Spare<S, B> {
    head: Parts,
    recording: Recording<B>,
    service: S,
}

/// A request with its new token, and the service for it, which has still to become ready.
pub(super) struct Again<S, B> {
    pub(super) service: S,
    pub(super) request: Request<Replay<B>>,
    pub(super) sent: Sent,
}

/// Whether the request could be sent a second time, whenever the rejection comes.
///
/// A body known to be over the bound is recorded all the same: a server may reject the token before it reads that far.
pub(super) fn replayable<B: Body>(request: &Request<B>, limit: Option<usize>) -> bool {
    limit.is_some_and(|limit| request.body().size_hint().lower() <= limit as u64)
}

/// A request that can be sent a second time, and what that takes.
type Recorded<S, B> = (Request<Replay<B>>, Spare<S, B>);

/// Records the request's body and attaches the token.
#[inline]
pub(super) fn recorded<S, B>(
    request: Request<B>,
    limit: usize,
    service: &S,
    credential: &Credential,
) -> Result<Recorded<S, B>, Error>
where
    S: Clone,
    B: Body<Data = Bytes>,
{
    let (mut parts, body) = request.into_parts();
    let head = parts.clone();
    attach(credential, &mut parts)?;
    let (body, recording) = Replay::recorded(body, limit);
    let service = service.clone();
    let spare = Spare {
        head,
        recording,
        service,
    };
    Ok((Request::from_parts(parts, body), spare))
}

impl<S, B> Spare<S, B>
where
    B: Body<Data = Bytes>,
{
    pub(super) fn is_whole(&self) -> bool {
        self.recording.is_whole()
    }

    /// The second request, unless more of the body was read meanwhile than is kept.
    pub(super) fn replay(self, sent: Sent) -> Result<Option<Again<S, B>>, Error> {
        let Some(body) = self.recording.replay() else {
            return Ok(None);
        };
        let mut head = self.head;
        attach(&sent.credential, &mut head)?;
        Ok(Some(Again {
            service: self.service,
            request: Request::from_parts(head, body),
            sent,
        }))
    }
}

/// Attaches the token to a head.
#[inline]
pub(super) fn attach(credential: &Credential, head: &mut Parts) -> Result<(), Error> {
    let attachment = credential.attachment();
    let attached = attachment.apply(&mut head.uri, &mut head.headers);
    attached.map_err(Error::Attach)
}
