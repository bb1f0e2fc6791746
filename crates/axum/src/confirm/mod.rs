//! The page on which the person confirms a login whose redirect has no state.
//!
//! Such a redirect comes from the provider, or from a link with another person's code: only the
//! person knows which. The code is not exchanged before the answer. So the page can name the
//! provider and the site, and not whose account the code is for.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use http::{StatusCode, request::Parts};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use tokenkeeper_engine::{
    Confirmation, FlowInfo,
    protocol::{Redirect, ResponseMode},
};

use crate::{
    builtin,
    callback::{self, Unfinished},
    callback_path::CallbackPath,
    context::RouteContext,
    cookies::{self, LoginCookie, NoncePage, Progress},
    failure::Failure,
    form, origin_check, page,
};

/// The limit for a form. It holds a redirect of at most 64 KiB, escaped.
const MAX_FORM: usize = 256 * 1024;

/// Renders the page. Its form holds the redirect, because a cookie may have no room for it.
pub(crate) fn ask(
    context: &RouteContext,
    callback_path: &CallbackPath,
    info: &FlowInfo,
    redirect: &str,
) -> Response {
    let nonce = page::random();
    let name = context.routes.name_of(&callback_path.brand);
    let title = format!("Connect to {name}?");
    let texts = [&*builtin::question(name, info), WARNING];
    let mut response = builtin::confirm(&title, texts, redirect, &nonce);
    let headers = response.headers_mut();
    cookies::set_nonce(callback_path, NoncePage::Confirm, info, &nonce, headers);
    response
}

/// Tells the relay page's script to show its form, which posts the same fields.
pub(crate) fn ask_relay(
    context: &RouteContext,
    callback_path: &CallbackPath,
    info: &FlowInfo,
) -> Response {
    let nonce = page::random();
    let name = context.routes.name_of(&callback_path.brand);
    let text = format!("{} {WARNING}", builtin::question(name, info));
    let title = format!("Connect to {name}?");
    let answer = json!({ "confirm": nonce, "text": text, "title": title });
    let mut response = page::json(StatusCode::OK, &answer);
    let headers = response.headers_mut();
    cookies::set_nonce(callback_path, NoncePage::Confirm, info, &nonce, headers);
    response
}

const WARNING: &str = "The provider's answer does not show that it belongs to your login. Connect \
                       only if you have just allowed this access yourself. If a link or another \
                       page led you here, cancel: you would connect another person's account.";

/// Handles the form.
pub(crate) async fn complete(
    State(context): State<Arc<RouteContext>>,
    callback_path: Arc<CallbackPath>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let (cookie, answer) = match read(&callback_path, &parts, body).await {
        Ok(read) => read,
        Err(failure) => return callback::failed_here(&context, &callback_path, &parts, &failure),
    };
    let finished = finish(&context, &callback_path, &cookie, &parts, answer).await;
    let finished = finished.map_err(|failure| match &cookie.progress {
        Progress::Open(flow) => callback::about(&context, flow, failure),
        _ => failure,
    });
    let mut response = match &finished {
        Ok(destination) => page::see_other(destination),
        Err(failure) => callback::failed_here(&context, &callback_path, &parts, failure),
    };
    let set = response.headers_mut();
    cookies::keep_outcome(&context.accounts, &callback_path, &cookie, &finished, set);
    if finished
        .as_ref()
        .err()
        .is_none_or(|failure| failure.ends_flow)
    {
        cookies::remove_nonce(&callback_path, NoncePage::Confirm, set);
    }
    response
}

/// The fields of the form.
struct Answer {
    redirect: String,
    nonce: String,
    connects: bool,
}

impl Answer {
    fn parse(form: &[u8]) -> Option<Self> {
        let field = |name: &str| {
            let mut fields = form_urlencoded::parse(form);
            let field = fields.find(|(given, _)| given == name);
            field.map(|(_, value)| value.into_owned())
        };
        Some(Self {
            redirect: field("redirect")?,
            nonce: field("nonce")?,
            connects: match field("answer")?.as_str() {
                "connect" => true,
                "cancel" => false,
                _ => return None,
            },
        })
    }
}

async fn read(
    callback_path: &CallbackPath,
    parts: &Parts,
    body: Body,
) -> Result<(LoginCookie, Answer), Failure> {
    let (headers, origin) = (&parts.headers, &callback_path.origin);
    if !origin_check::is_page(headers, origin) {
        return Err(origin_check::refuse(&callback_path.brand, headers, origin));
    }
    if !form::is_form(headers) {
        return Err(Failure::NO_ANSWER);
    }
    let form = to_bytes(body, MAX_FORM).await;
    let form = form.map_err(|_| Failure::TOO_LARGE)?;
    let answer = Answer::parse(&form).ok_or(Failure::NO_ANSWER)?;
    let state = callback_path.state(&answer.redirect);
    let cookie = cookies::find(callback_path, state.as_deref(), headers)?;
    Ok((cookie, answer))
}

/// Checks the form and finishes the login.
async fn finish(
    context: &RouteContext,
    callback_path: &CallbackPath,
    cookie: &LoginCookie,
    parts: &Parts,
    answer: Answer,
) -> Result<String, Failure> {
    let flow = match &cookie.progress {
        Progress::Open(flow) => flow,
        Progress::Connected(flow) => {
            return callback::require_connected(context, callback_path, flow, parts).await;
        }
        Progress::Failed(failure) => return Err(failure.clone()),
    };
    let info = callback::live_flow(context, callback_path, flow)?;
    let expected = cookies::nonce(callback_path, NoncePage::Confirm, &info.id, &parts.headers);
    let expected = expected.ok_or(Failure::NONCE)?;
    if !bool::from(answer.nonce.as_bytes().ct_eq(expected.as_bytes())) {
        return Err(Failure::NONCE);
    }
    callback::require_same_person(context, parts, &info)?;
    if !answer.connects {
        return Err(Failure::NOT_CONFIRMED);
    }
    let redirect = match callback_path.response_mode {
        ResponseMode::Fragment => Redirect::fragment(answer.redirect),
        ResponseMode::Query | ResponseMode::FormPost => Redirect::query(answer.redirect),
    };
    let by = Some(Confirmation::ByPerson);
    let finished = callback::exchange(context, callback_path, (flow, &info), redirect, by).await;
    finished.map_err(|unfinished| match unfinished {
        Unfinished::Failed(failure) => failure,
        Unfinished::Unconfirmed(_) => Failure::STATE,
    })
}
