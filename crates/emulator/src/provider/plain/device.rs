//! Login by device code (RFC 8628).

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, Uri, request};
use serde_json::json;

use super::client::authenticated;
use super::error::respond;
use super::request::read_parameters;
use super::token::Issued;
use super::{Plain, scope, token};
use crate::answer;
use crate::device::Poll;
use crate::ledger::Grant;
use crate::page;
use crate::params::{Params, with_query};
use crate::provider::refusal::Refusal;
use crate::provider::{Context, is_form};

/// The path of the verification page.
pub(super) const VERIFICATION: &str = "/device";

/// Issues a device code and a user code (RFC 8628 §3.2).
pub(super) async fn authorize(
    State(cx): State<Context<Plain>>,
    head: request::Parts,
    body: Bytes,
) -> Response<Body> {
    match try_authorize(&cx, &head, &body) {
        Ok(value) => answer::json(StatusCode::OK, &value),
        Err(refusal) => respond(refusal),
    }
}

fn try_authorize(
    cx: &Context<Plain>,
    head: &request::Parts,
    body: &[u8],
) -> Result<serde_json::Value, Refusal> {
    let options = &cx.provider.options;
    let params = read_parameters(&options.requests, head, body)?;
    let (client, params) = authenticated(cx, &head.headers, &params)?;
    let scope = scope::read(options.requests.scope_separator, params.value("scope"))?;
    let grant = Grant {
        client: client.id,
        scope,
        ..Grant::default()
    };
    let device = &options.device;
    let expires = cx.world.now() + device.lifetime;
    let interval = device.interval;
    let (device_code, user_code) = cx.world.devices().issue(grant, expires, interval);
    let uri = format!("{}{VERIFICATION}", cx.world.base);
    let mut value = json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri_complete": with_query(&uri, &[("user_code", &user_code)]),
        "expires_in": device.lifetime.as_secs(),
    });
    value[device.uri_name()] = uri.into();
    if !device.without_interval {
        value["interval"] = interval.as_secs().into();
    }
    Ok(value)
}

/// Answers a poll (RFC 8628 §3.5).
pub(super) fn poll(
    cx: &Context<Plain>,
    params: &Params,
    client_id: &str,
) -> Result<Issued, Refusal> {
    let value = params.value("device_code");
    let value = value.ok_or_else(|| Refusal::missing("device_code"))?;
    let now = cx.world.now();
    let polled = cx.world.devices().poll(value, client_id, now);
    match polled {
        Poll::Approved(grant) => {
            let mut ledger = cx.world.ledger();
            let scope = grant.scope.clone();
            let grant = ledger.open(grant);
            Ok(token::issue(cx, &mut ledger, grant, scope, None))
        }
        Poll::Unknown => Err(Refusal::code("the device code is unknown")),
        Poll::Foreign => Err(Refusal::code("the device code is another client's")),
        Poll::Redeemed => Err(Refusal::code("the device code was redeemed before")),
        Poll::Expired => Err(Refusal::new("expired_token", "the device code has expired")),
        Poll::TooFast => Err(Refusal::new("slow_down", "the polls are too fast")),
        Poll::Pending => Err(Refusal::new(
            "authorization_pending",
            "the person has not decided yet",
        )),
        Poll::Denied => Err(Refusal::new("access_denied", "the person has denied it")),
    }
}

/// Shows the page on which a person types the user code and decides.
pub(super) async fn show(State(cx): State<Context<Plain>>, uri: Uri) -> Response<Body> {
    let params = Params::of_uri(&uri);
    let typed = params.value("user_code").unwrap_or_default();
    let devices = cx.world.devices();
    let asked = devices.asked(typed, cx.world.now());
    let page = page::verification(VERIFICATION, typed, asked, &cx.world.users);
    answer::html(StatusCode::OK, page)
}

/// Takes the decision from the form of [`show`]: `approve=<login>` or `deny=1`.
pub(super) async fn decide(
    State(cx): State<Context<Plain>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let refuse = |text| answer::html(StatusCode::BAD_REQUEST, page::error(text));
    if !is_form(&headers) {
        return refuse("This page takes its own form only.");
    }
    let params = Params::parse(&body);
    let login = match (params.has("deny"), params.value("approve")) {
        (true, _) => None,
        (false, Some(login)) => match cx.world.user(login) {
            Some(user) => Some(user.login.as_str()),
            None => return refuse("No user has this login."),
        },
        (false, None) => return refuse("Approve or deny."),
    };
    let (typed, now) = (
        params.value("user_code").unwrap_or_default(),
        cx.world.now(),
    );
    if !cx.world.devices().decide(typed, login, now) {
        return refuse("No device waits with this code.");
    }
    let text = match login {
        Some(_) => "The device is connected. You may close this page.",
        None => "The device was denied. You may close this page.",
    };
    answer::html(StatusCode::OK, page::message("Device", text))
}
