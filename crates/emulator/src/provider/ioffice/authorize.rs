//! The login page, and the direct request for a code.

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::IOffice;
use super::error::{respond, unknown_client};
use super::token::{check_body, header};
use crate::answer::{self, redirect};
use crate::ledger::Grant;
use crate::params::Params;
use crate::provider::refusal::Refusal;
use crate::provider::{Context, Decision};
use crate::{page, random};

const REQUIRED: [&str; 5] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
];
/// The characters that the fragment escapes; a plus sign is not one, and means itself.
const FRAGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'+');

pub(super) async fn login(State(cx): State<Context<IOffice>>, uri: Uri) -> Response<Body> {
    let params = Params::of_uri(&uri);
    let grant = match check(&cx, &params) {
        Ok(grant) => grant,
        Err(text) => return answer::html(StatusCode::BAD_REQUEST, page::error(&text)),
    };
    let redirect_uri = grant.redirect_uri.clone().unwrap_or_default();
    let code = code();
    let random_app_code;
    let app_code = match &cx.provider.options.app_code {
        Some(app_code) => app_code,
        None => {
            random_app_code = random::hex(8);
            &random_app_code
        }
    };
    let mut answer = match cx.decide(&grant.client, &params) {
        Decision::Page(page) => return page,
        // The document mentions no denial.
        Decision::Denied => vec![("error", "access_denied")],
        Decision::Approved(user) => {
            let user = user.login;
            let challenge = params.value("code_challenge").map(str::to_owned);
            let challenge = challenge.filter(|_| cx.provider.options.checks_pkce);
            cx.world.add_code(&code, Grant { user, ..grant }, challenge);
            vec![("code", code.as_str()), ("appCode", app_code.as_str())]
        }
    };
    if let Some(state) = params
        .value("state")
        .filter(|_| cx.provider.options.echo_state)
    {
        answer.push(("state", state));
    }
    let pairs: Vec<String> = answer
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, FRAGMENT)))
        .collect();
    redirect(&format!("{redirect_uri}#{}", pairs.join("&")))
}

fn check(cx: &Context<IOffice>, params: &Params) -> Result<Grant, String> {
    if let Some(name) = REQUIRED.iter().find(|name| params.value(name).is_none()) {
        return Err(format!("The parameter {name} is missing."));
    }
    if let Some(name) = params.repeated() {
        return Err(format!("The parameter {name} is repeated."));
    }
    let given = |name| params.value(name).unwrap_or_default();
    if given("response_type") != "code" {
        return Err("response_type must be code.".into());
    }
    let client = cx
        .world
        .client(given("client_id"))
        .ok_or("The client is unknown.")?;
    if !client.registers(given("redirect_uri")) {
        return Err("The redirect URI is not registered.".into());
    }
    Ok(Grant {
        client: client.id,
        redirect_uri: Some(given("redirect_uri").to_owned()),
        scope: Some(given("scope").to_owned()),
        ..Grant::default()
    })
}

pub(super) async fn direct(
    State(cx): State<Context<IOffice>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    match try_direct(&cx, &headers, &body) {
        Ok(code) => answer::json(StatusCode::OK, &json!({"code": code})),
        Err(refusal) => respond(refusal, &cx.provider.options),
    }
}

/// Issues a code without a redirect URI and a scope, because the request names none.
fn try_direct(cx: &Context<IOffice>, headers: &HeaderMap, body: &[u8]) -> Result<String, Refusal> {
    check_body(headers, body)?;
    let client = cx
        .world
        .client(header(headers, "x-client-id")?)
        .ok_or_else(unknown_client)?;
    let (login, password) = (
        header(headers, "x-auth-username")?,
        header(headers, "x-auth-password")?,
    );
    let user = cx
        .world
        .user(login)
        .filter(|user| user.password == password);
    let user = user.ok_or_else(|| {
        Refusal::new("access_denied", "wrong user name or password")
            .with_status(StatusCode::UNAUTHORIZED)
    })?;
    let code = code();
    let grant = Grant {
        client: client.id,
        user: user.login.clone(),
        ..Grant::default()
    };
    cx.world.add_code(&code, grant, None);
    Ok(code)
}

/// Makes a code of base64 with a plus sign and padding, which breaks if it is decoded as a form.
fn code() -> String {
    format!("{}+{}", random::hex(4), random::base64(16))
}
