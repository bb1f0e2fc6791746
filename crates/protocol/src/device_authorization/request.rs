//! Device authorization requests (RFC 8628 §3.1).

use std::borrow::Cow;

use http::Request;

use super::DeviceAuthorizationRequest;
use crate::{
    client::Client,
    dialect::DEVICE_PARAMETERS,
    error::Error,
    origin::Origin,
    request_body::RequestBody,
    token_request::{Call, Pair, client_pairs},
    values::Values,
};

/// Builds the request; `None` if the dialect has no device authorization endpoint.
pub(crate) fn build(
    client: &Client,
    site: &Origin,
    request: &DeviceAuthorizationRequest<'_>,
) -> Result<Option<Request<RequestBody>>, Error> {
    let dialect = client.dialect();
    let Some(rules) = &dialect.device else {
        return Ok(None);
    };
    let authentication = dialect.token.client_authentication;
    let mut pairs: Vec<Pair<'_>> = client_pairs(client, authentication);
    if let Some(scope) = request.scope.or(client.scope()) {
        dialect.authorization.check_scope_form(scope)?;
        let scope = dialect.authorization.separate(scope);
        pairs.push(("scope", scope, "scope"));
    }
    let values = Values::of(client, site);
    for (name, template) in &rules.fixed {
        if request.extra.iter().all(|(extra, _)| extra != name) {
            let value = Cow::Owned(values.fill(template)?);
            pairs.push((name, value, "fixed parameter"));
        }
    }
    for (name, value) in request.extra {
        if DEVICE_PARAMETERS.contains(name) || pairs.iter().any(|(own, ..)| own == name) {
            return Err(Error::ExtraParameter {
                name: (*name).to_owned(),
            });
        }
        pairs.push((name, (*value).into(), "parameter"));
    }
    let call = Call {
        client,
        values: &values,
        authentication,
    };
    call.place(rules.endpoint.at(site, &values)?, &pairs)
        .map(Some)
}
