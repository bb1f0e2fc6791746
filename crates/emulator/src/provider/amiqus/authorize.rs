//! The authorization page.

use axum::body::Body;
use axum::extract::State;
use http::{Response, Uri};

use super::error::Refusal;
use super::{Amiqus, defuse};
use crate::answer::redirect;
use crate::ledger::Grant;
use crate::params::{Params, with_query};
use crate::pkce;
use crate::provider::{Context, Decision};

/// The random bytes of a code, which then has 716 hexadecimal digits.
const CODE_BYTES: usize = 355;

pub(super) async fn authorize(State(cx): State<Context<Amiqus>>, uri: Uri) -> Response<Body> {
    let params = Params::of_uri(&uri);
    let request = match check(&cx, &params) {
        Ok(request) => request,
        // A wrong client or redirect URI never leads to a redirect.
        Err(refusal) => return refusal.respond(cx.provider.options.generation),
    };
    let mut answer = Vec::new();
    let code = defuse(CODE_BYTES);
    match cx.decide(&request.grant.client, &params) {
        Decision::Page(page) => return page,
        Decision::Denied => answer.push(("error", "access_denied")),
        Decision::Approved(user) => {
            let grant = Grant {
                user: user.login,
                ..request.grant
            };
            cx.world.add_code(&code, grant, request.challenge);
            answer.push(("code", code.as_str()));
        }
    }
    match params.value("state") {
        Some(state) => answer.push(("state", state)),
        None if cx.provider.options.empty_state => answer.push(("state", "")),
        None => {}
    }
    redirect(&with_query(&request.redirect_uri, &answer))
}

/// An authorization request that passed the checks; its grant has no user yet.
struct Request {
    grant: Grant,
    redirect_uri: String,
    challenge: Option<String>,
}

fn check(cx: &Context<Amiqus>, params: &Params) -> Result<Request, Refusal> {
    let required = |name| params.value(name).ok_or_else(|| Refusal::parameter(name));
    let client = cx
        .world
        .client(required("client_id")?)
        .ok_or(Refusal::Client)?;
    let redirect_uri = required("redirect_uri")?;
    if !client.registers(redirect_uri) {
        return Err(Refusal::Client);
    }
    if required("response_type")? != "code" {
        return Err(Refusal::UnsupportedGrantType);
    }
    let challenge = params.value("code_challenge");
    let method = params.value("code_challenge_method");
    match (challenge, method) {
        (None, None) => {}
        (Some(challenge), Some("S256")) if pkce::well_formed(challenge) => {}
        (Some(_), Some("S256")) => return Err(Refusal::parameter("code_challenge")),
        _ => return Err(Refusal::parameter("code_challenge_method")),
    }
    Ok(Request {
        grant: Grant {
            client: client.id,
            redirect_uri: Some(redirect_uri.to_owned()),
            ..Grant::default()
        },
        redirect_uri: redirect_uri.to_owned(),
        challenge: challenge.map(str::to_owned),
    })
}
