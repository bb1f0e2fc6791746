//! Connections of HTTP/1.1, one for each request.

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, Uri,
    header::{CONNECTION, HOST},
    uri::PathAndQuery,
};
use http_body_util::Full;
use hyper::client::conn::http1;
use tokenkeeper_engine::TransportError;

use super::{connect::Io, http2::Answer, linger::Lingering};
use crate::BoxError;

/// A connection that carries one request.
pub(super) struct OneRequest(http1::SendRequest<Full<Bytes>>);

impl OneRequest {
    pub(super) async fn handshake(io: Io) -> Result<Self, BoxError> {
        let (sender, connection) = http1::handshake(Lingering::new(io)).await?;
        // It outlives the request, until the server has closed. Errors reach the sender as well.
        tokio::spawn(async { drop(connection.await) });
        Ok(Self(sender))
    }

    pub(super) async fn send(
        mut self,
        mut request: Request<Bytes>,
    ) -> Result<Response<Answer>, TransportError> {
        prepare(&mut request).map_err(TransportError::NotSent)?;
        match self.0.try_send_request(request.map(Full::new)).await {
            Ok(response) => Ok(response.map(Answer::unshared)),
            Err(mut failed) => {
                // hyper hands back a request of which it has written nothing.
                let not_sent = failed.take_message().is_some();
                let error = Box::new(failed.into_error());
                Err(if not_sent {
                    TransportError::NotSent(error)
                } else {
                    TransportError::Unknown(error)
                })
            }
        }
    }
}

/// Writes the target as servers of HTTP/1.1 expect it.
fn prepare(request: &mut Request<Bytes>) -> Result<(), BoxError> {
    let uri = request.uri();
    let authority = uri.authority().ok_or("the URL has no host")?;
    let default_port = match uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    let host = match authority.port_u16() {
        Some(port) if port != default_port => HeaderValue::try_from(authority.as_str())?,
        _ => HeaderValue::try_from(authority.host())?,
    };
    let path = uri.path_and_query().cloned();
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    let headers = request.headers_mut();
    headers.entry(HOST).or_insert(host);
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(())
}
