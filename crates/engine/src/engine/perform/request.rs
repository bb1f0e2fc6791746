//! Requests to the provider, whatever they are for.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response,
    header::{ACCEPT, ACCEPT_ENCODING, USER_AGENT},
};
use tokenkeeper_protocol::RequestBody;
use tracing::Instrument as _;

use super::span;
use crate::{
    engine::{core::Core, site::ProviderSite},
    transport::{self, TransportError},
};

/// Sends a request for an account at the site. A transport that ignores its deadline must not block
/// the account forever.
pub(crate) async fn send_request(
    core: &Core,
    site: &ProviderSite,
    mut request: Request<RequestBody>,
) -> Result<Response<Bytes>, TransportError> {
    // A dialect may set its own.
    let headers = request.headers_mut();
    for (name, value) in [
        (ACCEPT, HeaderValue::from_static("application/json")),
        (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        (USER_AGENT, core.user_agent.clone()),
    ] {
        headers.entry(name).or_insert(value);
    }
    if let Some(policy) = site.address_policy(request.uri()) {
        request.extensions_mut().insert(policy);
    }
    let host = request.uri().authority().cloned();
    let deadline = core.options.exchange_timeout;
    let span = span::open(site, &request);
    let response = core.transport.send(request, deadline);
    let response = tokio::time::timeout(deadline.saturating_add(GRACE), response);
    let response = response.instrument(span.clone()).await;
    let response = response.unwrap_or(Err(TransportError::TimedOut));
    span::record(&span, &response);
    let now = core.time.monotonic();
    core.port_shortages.note(host.as_ref(), &response, now);
    // For a transport that does not use `exchange_within`.
    transport::decode(response?)
}

/// The extra time after the deadline for a transport.
const GRACE: Duration = Duration::from_secs(10);
