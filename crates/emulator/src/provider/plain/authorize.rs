//! The authorization page (RFC 6749 §4.1.1).

use axum::body::Body;
use axum::extract::State;
use http::{Response, StatusCode, Uri};

use super::redirect::{same_but_for_port, send};
use super::request::check_parameters;
use super::{Plain, scope};
use crate::answer;
use crate::ledger::Grant;
use crate::params::Params;
use crate::provider::refusal::Refusal;
use crate::provider::{Context, Decision};
use crate::{page, pkce, random};

pub(super) async fn authorize(State(cx): State<Context<Plain>>, uri: Uri) -> Response<Body> {
    let asked = Params::of_uri(&uri);
    let options = &cx.provider.options;
    let params = asked.standardized(&options.requests.names);
    let (client_id, redirect_uri) = match target(&cx, &params) {
        Ok(target) => target,
        // A wrong client or redirect URI never leads to a redirect (RFC 6749 §4.1.2.1).
        Err(text) => return answer::html(StatusCode::BAD_REQUEST, page::error(text)),
    };
    let code = random::base64url(32);
    let mut answer = Vec::new();
    match (check(&cx, &asked, &params), cx.decide(&client_id, &asked)) {
        (Err(refusal), _) => answer.push(("error", refusal.error())),
        (Ok(_), Decision::Page(page)) => return page,
        (Ok(_), Decision::Denied) => answer.push(("error", "access_denied")),
        (Ok(grant), Decision::Approved(user)) => {
            let grant = Grant {
                client: client_id,
                user: user.login,
                ..grant
            };
            let challenge = params.value("code_challenge").map(str::to_owned);
            cx.world.add_code(&code, grant, challenge);
            answer.push(("code", code.as_str()));
            let further = &options.redirects.further;
            answer.extend(further.iter().map(|(name, value)| (&**name, &**value)));
            let api = options.api.told_in_redirect.as_deref();
            answer.extend(api.zip(cx.world.api_base.as_deref()));
        }
    }
    let failed = answer.iter().any(|(name, _)| *name == "error");
    if let Some(state) = params.value("state")
        && !(failed && options.redirects.without_state_on_denial)
    {
        answer.push(("state", state));
    }
    if options.redirects.issuer {
        answer.push(("iss", &cx.world.base));
    }
    send(&options.redirects, &redirect_uri, &answer)
}

/// Returns the client's id and the redirect URI.
fn target(cx: &Context<Plain>, params: &Params) -> Result<(String, String), &'static str> {
    let client = params
        .value("client_id")
        .and_then(|id| cx.world.client(id))
        .ok_or("The client is unknown.")?;
    let any_port = cx.provider.options.redirects.any_loopback_port;
    let registers = |uri: &str| {
        let mut registered = client.redirect_uris.iter();
        registered.any(|known| known == uri || any_port && same_but_for_port(known, uri))
    };
    let redirect_uri = match (
        params.value("redirect_uri"),
        client.redirect_uris.as_slice(),
    ) {
        (Some(uri), _) if registers(uri) => uri.to_owned(),
        (None, [only]) => only.clone(),
        _ => return Err("The redirect URI is not registered."),
    };
    Ok((client.id, redirect_uri))
}

/// Returns what is asked for, without the client and the user.
fn check(cx: &Context<Plain>, asked: &Params, params: &Params) -> Result<Grant, Refusal> {
    let options = &cx.provider.options;
    if let Some(name) = asked.repeated() {
        return Err(Refusal::repeated(name));
    }
    match params.value("response_type") {
        Some("code") => {}
        Some(_) => return Err(Refusal::new("unsupported_response_type", "only code")),
        None => return Err(Refusal::missing("response_type")),
    }
    let mode = options.redirects.mode.as_str();
    if params
        .value("response_mode")
        .is_some_and(|asked| asked != mode)
    {
        return Err(Refusal::request(format!("response_mode must be {mode}")));
    }
    check_parameters(&options.requests.authorization, params)?;
    check_challenge(options.requests.require_pkce, params)?;
    grant(cx, params)
}

fn check_challenge(required: bool, params: &Params) -> Result<(), Refusal> {
    match (
        params.value("code_challenge"),
        params.value("code_challenge_method"),
    ) {
        (None, None) if !required => Ok(()),
        (Some(challenge), Some("S256")) if pkce::well_formed(challenge) => Ok(()),
        _ => Err(Refusal::request(
            "code_challenge must have the method S256, or be absent if PKCE is optional",
        )),
    }
}

fn grant(cx: &Context<Plain>, params: &Params) -> Result<Grant, Refusal> {
    let requests = &cx.provider.options.requests;
    let scopes = |name: &str| scope::read(requests.scope_separator, params.value(name));
    let mut further_scopes = Vec::new();
    for name in &requests.further_scopes {
        if let Some(scopes) = scopes(name)? {
            further_scopes.push((name.clone(), scopes));
        }
    }
    let offline = requests.offline.as_ref();
    Ok(Grant {
        redirect_uri: params.value("redirect_uri").map(str::to_owned),
        scope: scopes("scope")?,
        further_scopes,
        online: offline.is_some_and(|(name, value)| params.value(name) != Some(value)),
        ..Grant::default()
    })
}
