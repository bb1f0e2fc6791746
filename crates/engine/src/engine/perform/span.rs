//! The spans of requests to providers, with the names of OpenTelemetry's semantic conventions for
//! HTTP clients (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>).

use bytes::Bytes;
use http::{Request, Response};
use tokenkeeper_protocol::{Provider, RequestBody};
use tracing::{Span, field::Empty};

use crate::{
    engine::{registry, site::ProviderSite},
    transport::TransportError,
};

/// Opens the span of a request. It has no `url.full`, which may hold a secret.
pub(super) fn open(site: &ProviderSite, request: &Request<RequestBody>) -> Span {
    let method = request.method().as_str();
    let span = tracing::info_span!(
        "provider request",
        otel.name = method,
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = method,
        http.response.status_code = Empty,
        server.address = Empty,
        server.port = Empty,
        "error.type" = Empty,
        provider = site.provider.brand(),
    );
    // The host of a provider with a site per tenant names the tenant.
    if registry::base_of(&site.provider).is_some()
        && let Some(host) = request.uri().host()
    {
        let default = match request.uri().scheme_str() {
            Some("http") => 80,
            _ => 443,
        };
        span.record("server.address", host);
        span.record("server.port", request.uri().port_u16().unwrap_or(default));
    }
    span
}

/// Records the end of the request.
pub(super) fn record(span: &Span, response: &Result<Response<Bytes>, TransportError>) {
    let failed = match response {
        Ok(response) => {
            let status = response.status();
            span.record("http.response.status_code", status.as_u16());
            let is_error = status.is_client_error() || status.is_server_error();
            is_error.then(|| status.as_str().to_owned())
        }
        Err(error) => Some(error.name().to_owned()),
    };
    if let Some(failed) = failed {
        span.record("error.type", failed);
        span.record("otel.status_code", "ERROR");
    }
}
