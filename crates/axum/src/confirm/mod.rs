//! The page on which the person confirms a login whose redirect has no state.
//!
//! Such a redirect comes from the provider, or from a link with another person's code: only the
//! person knows which. The code is not exchanged before the answer. So the page can name the
//! provider and the site, and not whose account the code is for.

mod seal;

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use http::{StatusCode, request::Parts};
use serde_json::json;
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

/// The limit for a form. It holds a redirect of at most 64 KiB, sealed.
const MAX_FORM: usize = 128 * 1024;

/// The parameter of the page that asks about a query. It stands alone, so no provider's answer
/// looks like it.
const ASK: &str = "ask";

/// The limit for a query that holds the redirect. Servers bound the size of addresses.
const MAX_QUERY: usize = 4096;

/// Redirects to the page that asks, whose address has no code. A redirect that is too long for an
/// address has its page here, whose script removes the code from the address.
pub(crate) fn ask(
    context: &RouteContext,
    callback_path: &CallbackPath,
    info: &FlowInfo,
    redirect: &Redirect,
) -> Response {
    let nonce = tokenkeeper_pages::nonce();
    let sealed = seal::seal(&nonce, text_of(redirect));
    let mut response = if sealed.len() <= MAX_QUERY {
        page::see_other(&format!("{}?{ASK}={sealed}", callback_path.path))
    } else {
        render(context, callback_path, info, &sealed, true)
    };
    let headers = response.headers_mut();
    cookies::set_nonce(callback_path, NoncePage::Confirm, info, &nonce, headers);
    response
}

/// Returns the sealed redirect of the page that asks, if this is its query.
pub(crate) fn asked(query: &str) -> Option<&str> {
    let sealed = query.strip_prefix(ASK)?.strip_prefix('=')?;
    (!sealed.contains('&')).then_some(sealed)
}

/// Shows the page that asks.
///
/// The nonce's cookie does not come along, since another site's redirect led here.
pub(crate) async fn show(
    context: &RouteContext,
    callback_path: &CallbackPath,
    parts: &Parts,
    sealed: &str,
) -> Response {
    let shown = question(context, callback_path, parts, sealed).await;
    shown.unwrap_or_else(|failure| callback::failed(context, callback_path, parts, &failure))
}

async fn question(
    context: &RouteContext,
    callback_path: &CallbackPath,
    parts: &Parts,
    sealed: &str,
) -> Result<Response, Failure> {
    match cookies::find(callback_path, None, &parts.headers)?.progress {
        Progress::Open(flow) => {
            let info = callback::live_flow(context, callback_path, &flow)?;
            callback::require_same_person(context, parts, &info)?;
            Ok(render(context, callback_path, &info, sealed, false))
        }
        Progress::Connected(flow) => {
            let done = callback::require_connected(context, callback_path, &flow, parts);
            Ok(page::see_other(&done.await?))
        }
        Progress::Failed(failure) => Err(failure),
    }
}

fn render(
    context: &RouteContext,
    callback_path: &CallbackPath,
    info: &FlowInfo,
    sealed: &str,
    at_redirect: bool,
) -> Response {
    let name = context.routes.name_of(&callback_path.brand);
    let title = format!("Connect to {name}?");
    let texts = [&*builtin::question(name, info), WARNING];
    builtin::confirm(&title, texts, sealed, at_redirect)
}

/// Tells the relay page's script to show its form, which posts the same fields.
pub(crate) fn ask_relay(
    context: &RouteContext,
    callback_path: &CallbackPath,
    info: &FlowInfo,
    redirect: &Redirect,
) -> Response {
    let nonce = tokenkeeper_pages::nonce();
    let name = context.routes.name_of(&callback_path.brand);
    let text = format!("{} {WARNING}", builtin::question(name, info));
    let title = format!("Connect to {name}?");
    let sealed = seal::seal(&nonce, text_of(redirect));
    let answer = json!({ "confirm": sealed, "text": text, "title": title });
    let mut response = page::json(StatusCode::OK, &answer);
    let headers = response.headers_mut();
    cookies::set_nonce(callback_path, NoncePage::Confirm, info, &nonce, headers);
    response
}

const WARNING: &str = "The provider's answer does not show that it belongs to your login. Connect \
                       only if you have just allowed this access yourself. If a link or another \
                       page led you here, cancel: you would connect another person's account.";

/// Returns the text of a redirect, to be posted back.
fn text_of(redirect: &Redirect) -> &str {
    match redirect {
        Redirect::Query(text) | Redirect::Fragment(text) | Redirect::FormPost(text) => text,
        _ => "",
    }
}

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
    /// The sealed redirect.
    redirect: String,
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
    let cookie = cookies::find(callback_path, None, headers)?;
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
    let nonce = cookies::nonce(callback_path, NoncePage::Confirm, &info.id, &parts.headers);
    let redirect = nonce.and_then(|nonce| seal::open(&nonce, &answer.redirect));
    let redirect = redirect.ok_or(Failure::NONCE)?;
    callback::require_same_person(context, parts, &info)?;
    if !answer.connects {
        return Err(Failure::NOT_CONFIRMED);
    }
    let redirect = match callback_path.response_mode {
        ResponseMode::Fragment => Redirect::fragment(redirect),
        ResponseMode::Query | ResponseMode::FormPost => Redirect::query(redirect),
    };
    let by = Some(Confirmation::ByPerson);
    let finished = callback::exchange(context, callback_path, (flow, &info), redirect, by).await;
    finished.map_err(|unfinished| match unfinished {
        Unfinished::Failed(failure) => failure,
        Unfinished::Unconfirmed(..) => Failure::STATE,
    })
}
