//! Starting a login: the authorization URL and the sealed flow.

use tokenkeeper_protocol::{AuthorizationRequest, CodeVerifier, Pkce, Provider, State};

use crate::{
    clock::to_millis,
    engine::{AccountEntry, Core, auditing},
    error::Error,
    flow::{ConnectOptions, FlowContents, LoginRedirect, seal},
};

/// Builds the authorization URL and seals the flow.
pub(crate) fn start(
    core: &Core,
    entry: &AccountEntry,
    options: &ConnectOptions,
) -> Result<LoginRedirect, Error> {
    if auditing::holds_back(core) {
        return Err(Error::AuditFull);
    }
    let site = &entry.site;
    let client = site.provider.client();
    let state = State::random();
    let verifier = (client.dialect().authorization.pkce == Pkce::S256).then(CodeVerifier::random);
    let challenge = verifier.as_ref().map(CodeVerifier::code_challenge);
    let mut redirect_uri = site.provider.redirect_uri(&state);
    if let Some(port) = options.redirect_port {
        redirect_uri = redirect_uri.with_port(port)?;
    }
    let scope = options.scope.as_deref().or_else(|| client.scope());
    let extra: Vec<(&str, &str)> = options.parameter_pairs().collect();
    let url = site.provider.authorization_url(
        &site.site,
        &AuthorizationRequest {
            state: &state,
            redirect_uri: &redirect_uri,
            scope,
            code_challenge: challenge.as_deref(),
            extra: &extra,
        },
    )?;
    let key = entry.key();
    let contents = FlowContents {
        id: core.random.id(),
        brand: key.brand().to_owned(),
        site: key.base().to_owned(),
        client_id: key.client_id().to_owned(),
        subject: key.subject().to_owned(),
        state: state.expose().to_owned(),
        verifier: verifier.as_ref().map(|v| v.expose().to_owned()),
        redirect_uri: redirect_uri.as_str().to_owned(),
        scope: scope.map(str::to_owned),
        note: options.note.clone(),
        expires: core
            .time
            .wall()
            .saturating_add(to_millis(core.options.login_timeout)),
    };
    let flow = seal(&core.flow_key, &contents);
    auditing::record_start(core, entry);
    Ok(LoginRedirect { url, flow, state })
}
