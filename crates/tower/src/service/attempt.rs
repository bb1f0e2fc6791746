use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use http_body::Body;
use tokenkeeper_engine::{Credential, TokenVersion};

use crate::{Error, Recording, Replay, tokens::Chosen};

/// A request that waits for its token, and the service for it, which is ready.
pub(super) struct Waiting<S, B> {
    pub(super) request: Request<B>,
    /// How much of its body is kept; `None`: it is sent once.
    pub(super) limit: Option<usize>,
    pub(super) service: S,
    pub(super) source: Chosen,
}

/// Which token set went out, and whose it is.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) source: Chosen,
    pub(super) stamp: TokenVersion,
}

/// Everything for sending a request once more: its head without the token, its body, and a service that has still to become ready.
pub(super) struct Spare<S, B> {
    head: Head,
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
#[inline]
pub(super) fn replayable<B: Body>(request: &Request<B>, limit: Option<usize>) -> bool {
    limit.is_some_and(|limit| request.body().size_hint().lower() <= limit as u64)
}

/// Records a body as it is sent, and puts the other end into `recording`.
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

impl<S, B> Waiting<S, B>
where
    S: Clone,
    B: Body<Data = Bytes>,
{
    /// What goes out now that the token is there: by which service, and with what for a second time.
    pub(super) fn with(self, credential: &Credential) -> Result<Departing<S, B>, Error> {
        let Self {
            mut request,
            limit,
            service,
            source,
        } = self;
        let kept = limit.map(|limit| (limit, Head::of(&request), service.clone()));
        let stamp = credential
            .attach(&mut request)
            .map_err(|e| Error::Attach(*e))?;
        let sent = Sent { source, stamp };
        let Some((limit, head, another)) = kept else {
            return Ok((service, request.map(Replay::once), sent, None));
        };
        let mut recording = None;
        let request = request.map(record(limit, &mut recording));
        let spare = recording.map(|recording| Spare::new(head, recording, another));
        Ok((service, request, sent, spare))
    }
}

type Departing<S, B> = (S, Request<Replay<B>>, Sent, Option<Spare<S, B>>);

impl<S, B> Spare<S, B>
where
    B: Body<Data = Bytes>,
{
    #[inline]
    pub(super) fn new(head: Head, recording: Recording<B>, service: S) -> Self {
        Self {
            head,
            recording,
            service,
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.recording.is_whole()
    }

    /// The second request, unless more of the body was read meanwhile than is kept.
    pub(super) fn replay(
        self,
        source: Chosen,
        credential: &Credential,
    ) -> Result<Option<Again<S, B>>, Error> {
        let Some(body) = self.recording.replay() else {
            return Ok(None);
        };
        let mut request = self.head.with(body);
        let stamp = credential
            .attach(&mut request)
            .map_err(|e| Error::Attach(*e))?;
        Ok(Some(Again {
            service: self.service,
            request,
            sent: Sent { source, stamp },
        }))
    }
}

/// The head of a request that is still whole: copied where it lies, since it is more than 200 bytes.
pub(super) struct Head {
    method: Method,
    uri: Uri,
    version: Version,
    /// A list, which is cheaper to copy than a map: only a request that is sent again needs the map.
    headers: Vec<(HeaderName, HeaderValue)>,
    extensions: Extensions,
}

/// In one allocation: an iterator of headers counts a name with many values once.
#[inline]
fn listed(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let mut list = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        list.push((name.clone(), value.clone()));
    }
    list
}

impl Head {
    #[inline]
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            headers: listed(request.headers()),
            extensions: request.extensions().clone(),
        }
    }

    fn with<B>(self, body: B) -> Request<B> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        request.headers_mut().extend(self.headers);
        *request.extensions_mut() = self.extensions;
        request
    }
}
