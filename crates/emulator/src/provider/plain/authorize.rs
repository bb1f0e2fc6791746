//! The authorization page (RFC 6749 §4.1.1).

use axum::body::Body;
use axum::extract::State;
use http::{Response, StatusCode, Uri};

use super::Plain;
use crate::answer::{self, redirect};
use crate::ledger::Grant;
use crate::params::{Params, with_query};
use crate::provider::refusal::Refusal;
use crate::provider::{Context, Decision};
use crate::{page, pkce, random};

pub(super) async fn authorize(State(cx): State<Context<Plain>>, uri: Uri) -> Response<Body> {
    let params = Params::of_uri(&uri);
    let (client_id, redirect_uri) = match target(&cx, &params) {
        Ok(target) => target,
        // A wrong client or redirect URI never leads to a redirect (RFC 6749 §4.1.2.1).
        Err(text) => return answer::html(StatusCode::BAD_REQUEST, page::error(text)),
    };
    let code = random::base64url(32);
    let mut answer = Vec::new();
    match (check(&cx, &params), cx.decide(&client_id, &params)) {
        (Err(refusal), _) => answer.push(("error", refusal.error())),
        (Ok(()), Decision::Page(page)) => return page,
        (Ok(()), Decision::Denied) => answer.push(("error", "access_denied")),
        (Ok(()), Decision::Approved(user)) => {
            let grant = Grant {
                client: client_id,
                user: user.login,
                redirect_uri: params.value("redirect_uri").map(str::to_owned),
                scope: params.value("scope").map(str::to_owned),
            };
            let challenge = params.value("code_challenge").map(str::to_owned);
            cx.world.add_code(&code, grant, challenge);
            answer.push(("code", code.as_str()));
        }
    }
    if let Some(state) = params.value("state") {
        answer.push(("state", state));
    }
    if cx.provider.options.issuer {
        answer.push(("iss", &cx.world.base));
    }
    redirect(&with_query(&redirect_uri, &answer))
}

/// Returns the client's id and the redirect URI.
fn target(cx: &Context<Plain>, params: &Params) -> Result<(String, String), &'static str> {
    let client = params
        .value("client_id")
        .and_then(|id| cx.world.client(id))
        .ok_or("The client is unknown.")?;
    let redirect_uri = match (
        params.value("redirect_uri"),
        client.redirect_uris.as_slice(),
    ) {
        (Some(uri), registered) if registered.iter().any(|known| known == uri) => uri.to_owned(),
        (None, [only]) => only.clone(),
        _ => return Err("The redirect URI is not registered."),
    };
    Ok((client.id, redirect_uri))
}

fn check(cx: &Context<Plain>, params: &Params) -> Result<(), Refusal> {
    if let Some(name) = params.repeated() {
        return Err(Refusal::repeated(name));
    }
    match params.value("response_type") {
        Some("code") => {}
        Some(_) => return Err(Refusal::new("unsupported_response_type", "only code")),
        None => return Err(Refusal::missing("response_type")),
    }
    match (
        params.value("code_challenge"),
        params.value("code_challenge_method"),
    ) {
        (None, None) if !cx.provider.options.require_pkce => Ok(()),
        (Some(challenge), Some("S256")) if pkce::well_formed(challenge) => Ok(()),
        _ => Err(Refusal::request(
            "code_challenge must have the method S256, or be absent if PKCE is optional",
        )),
    }
}
