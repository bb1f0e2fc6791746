use http::Uri;
use reqwest::{Body, Request, Url};
use tokenkeeper_engine::{Credential, protocol::Attachment};
use tokenkeeper_tower::{Recording, Replay, exchange::Spare};

use crate::Error;

/// The second attempt, without the token.
pub(crate) enum Second {
    /// The body is in memory, and reqwest can clone it.
    Copy(Request),
    /// The body is a stream, and is recorded while it is sent.
    Stream {
        head: Request,
        recording: Recording<Body>,
    },
}

impl Second {
    /// Prepares `request` for being sent twice. A body that reqwest cannot clone is replaced by a
    /// recorded one.
    pub(crate) fn of(request: &mut Request, limit: usize) -> Option<Self> {
        if let Some(copy) = request.try_clone() {
            return Some(Self::Copy(copy));
        }
        let body = request.body_mut().take()?;
        let (body, recording) = Replay::recorded(body, limit);
        let head = request.try_clone();
        *request.body_mut() = Some(Body::wrap(body));
        Some(Self::Stream {
            head: head?,
            recording,
        })
    }
}

impl Spare for Second {
    type Request = Request;

    fn is_whole(&self) -> bool {
        match self {
            Self::Copy(_) => true,
            Self::Stream { recording, .. } => recording.is_whole(),
        }
    }

    fn into_request(self) -> Option<Request> {
        match self {
            Self::Copy(request) => Some(request),
            Self::Stream {
                mut head,
                recording,
            } => {
                *head.body_mut() = Some(Body::wrap(recording.replay()?));
                Some(head)
            }
        }
    }
}

/// Returns how many bytes of the body must be recorded at least: none of a body in memory.
pub(crate) fn recorded_len(request: &Request) -> u64 {
    match request.body() {
        Some(body) if body.as_bytes().is_none() => http_body::Body::size_hint(body).lower(),
        _ => 0,
    }
}

pub(crate) fn uri_of(url: &Url) -> Result<Uri, Error> {
    url.as_str().parse().map_err(Error::Url)
}

pub(crate) fn attach(credential: &Credential, request: &mut Request) -> Result<(), Error> {
    let attachment = credential.attachment();
    if let Attachment::Header { name, value } = attachment {
        request.headers_mut().insert(name, value);
        return Ok(());
    }
    let mut uri = uri_of(request.url())?;
    attachment
        .apply(&mut uri, request.headers_mut())
        .map_err(Error::Attach)?;
    request.url_mut().set_query(uri.query());
    Ok(())
}
