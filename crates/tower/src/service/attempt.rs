use bytes::Bytes;
use http::{Request, request::Parts};
use http_body::Body;
use tokenkeeper_session::Credential;
use tower_service::Service;

use crate::{Error, Recording, Replay, tokens::Chosen};

/// A request that waits for its token.
pub(super) struct Prepared<B> {
    head: Parts,
    body: Replay<B>,
    recording: Option<Recording<B>>,
    replayable: bool,
}

/// A request on its way: the call, what was sent with it, and what a second one needs.
pub(super) struct Attempt<S, F, B> {
    pub(super) call: F,
    pub(super) sent: Sent,
    pub(super) spare: Option<Spare<S, B>>,
}

/// Which credential went out, and whose it is.
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
}

impl<B> Prepared<B>
where
    B: Body<Data = Bytes>,
{
    pub(super) fn new(request: Request<B>, limit: Option<usize>) -> Self {
        let (head, body) = request.into_parts();
        let Some(limit) = limit else {
            return Self {
                head,
                body: Replay::once(body),
                recording: None,
                replayable: false,
            };
        };
        // A body known to be over the bound is recorded all the same: a server may reject the token before it reads that far.
        let replayable = body.size_hint().lower() <= limit as u64;
        let (body, recording) = Replay::recorded(body, limit);
        Self {
            head,
            body,
            recording: Some(recording),
            replayable,
        }
    }

    /// Whether the request could be sent a second time, whenever the rejection comes.
    pub(super) fn replayable(&self) -> bool {
        self.replayable
    }

    /// Attaches the token and calls `service`, which is ready.
    pub(super) fn send<S>(
        mut self,
        service: &mut S,
        source: Chosen,
        credential: Credential,
    ) -> Result<Attempt<S, S::Future, B>, Error>
    where
        S: Service<Request<Replay<B>>> + Clone,
    {
        let spare = self.recording.map(|recording| Spare {
            head: self.head.clone(),
            recording,
            service: service.clone(),
        });
        attach(&credential, &mut self.head)?;
        let call = service.call(Request::from_parts(self.head, self.body));
        let sent = Sent { source, credential };
        Ok(Attempt { call, sent, spare })
    }
}

impl<S, B> Spare<S, B>
where
    B: Body<Data = Bytes>,
{
    pub(super) fn is_whole(&self) -> bool {
        self.recording.is_whole()
    }

    /// The second request, unless more of the body was read meanwhile than is kept.
    pub(super) fn replay(mut self, credential: &Credential) -> Result<Option<Again<S, B>>, Error> {
        let Some(body) = self.recording.replay() else {
            return Ok(None);
        };
        attach(credential, &mut self.head)?;
        let request = Request::from_parts(self.head, body);
        Ok(Some(Again {
            service: self.service,
            request,
        }))
    }
}

fn attach(credential: &Credential, head: &mut Parts) -> Result<(), Error> {
    let attachment = credential.attachment();
    attachment
        .apply(&mut head.uri, &mut head.headers)
        .map_err(Error::Attach)
}
