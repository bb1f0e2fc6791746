//! The callback: the checks of every redirect, and the redirect with its answer in the query.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, request::Parts};
use tokenkeeper_engine::{Confirmation, Error, Flow, FlowInfo, Status, protocol::Redirect};

use crate::{
    callback_path::CallbackPath,
    confirm,
    context::RouteContext,
    cookies::{self, LoginCookie, Progress},
    failure::{Failure, Task},
    fields::Fields,
    local_path, page, prefetch,
};

/// Handles a redirect with its answer in the query.
pub(crate) async fn query(
    State(context): State<Arc<RouteContext>>,
    callback_path: Arc<CallbackPath>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    if prefetch::is_prefetch(&parts.headers) {
        return prefetch::refusal();
    }
    let query = parts.uri.query().unwrap_or_default();
    if let Some(failure) = shown(&callback_path, query, &parts.headers) {
        return context.failure_page(&parts, &callback_path.brand, Task::Connect, &failure);
    }
    if let Some(sealed) = confirm::asked(query).filter(|_| callback_path.asks) {
        return confirm::show(&context, &callback_path, &parts, sealed).await;
    }
    let state = callback_path.state(query);
    match cookies::find(&callback_path, state.as_deref(), &parts.headers) {
        Ok(cookie) => {
            let redirect = Redirect::query(query);
            respond(&context, &callback_path, &cookie, &parts, redirect).await
        }
        Err(failure) => failed(&context, &callback_path, &parts, &failure),
    }
}

/// The reason why a login is not finished.
pub(crate) enum Unfinished {
    /// The redirect has no state: the person must confirm the login first.
    Unconfirmed(Box<FlowInfo>, Redirect),
    /// It failed.
    Failed(Failure),
}

impl From<Failure> for Unfinished {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Finishes the login of a cookie, asks for its confirmation, or repeats the outcome of a finished
/// one.
pub(crate) async fn respond(
    context: &RouteContext,
    callback_path: &CallbackPath,
    cookie: &LoginCookie,
    parts: &Parts,
    redirect: Redirect,
) -> Response {
    let finished = match &cookie.progress {
        Progress::Open(flow) => {
            let finished = match finish(context, callback_path, flow, parts, redirect).await {
                Ok(destination) => Ok(destination),
                Err(Unfinished::Failed(failure)) => Err(about(context, flow, failure)),
                // The dialect says that a state comes back.
                Err(Unfinished::Unconfirmed(..)) if !callback_path.asks => {
                    Err(about(context, flow, Failure::STATE))
                }
                Err(Unfinished::Unconfirmed(info, redirect)) => {
                    return confirm::ask(context, callback_path, &info, &redirect);
                }
            };
            let mut response = redirected(context, callback_path, parts, &finished);
            let (accounts, set) = (&context.accounts, response.headers_mut());
            cookies::keep_outcome(accounts, callback_path, cookie, &finished, set);
            return response;
        }
        Progress::Connected(flow) => require_connected(context, callback_path, flow, parts).await,
        Progress::Failed(failure) => Err(failure.clone()),
    };
    redirected(context, callback_path, parts, &finished)
}

/// Adds to a failure what a new attempt at the login of this flow would be about.
pub(crate) fn about(context: &RouteContext, flow: &Flow, failure: Failure) -> Failure {
    match context.accounts.flow(flow) {
        // Another person's login is not repeated.
        Ok(info) if failure.code != Failure::OTHER_PERSON.code => {
            failure.with(context.fields_of(&info))
        }
        _ => failure,
    }
}

/// Returns the flow if it is live and its redirect URI is this one (RFC 9700 §4.4.2).
pub(crate) fn live_flow(
    context: &RouteContext,
    callback_path: &CallbackPath,
    flow: &Flow,
) -> Result<FlowInfo, Failure> {
    let info = context.accounts.flow(flow);
    let info = info.map_err(|error| context.log(&callback_path.brand, &error))?;
    let uri = &info.redirect_uri;
    if uri.path() != callback_path.path
        || uri.origin().ascii_serialization() != callback_path.origin
    {
        return Err(Failure::WRONG_PLACE);
    }
    Ok(info)
}

/// Requires that the person who started the flow is signed in now.
pub(crate) fn require_same_person(
    context: &RouteContext,
    parts: &Parts,
    info: &FlowInfo,
) -> Result<(), Failure> {
    let fields = Fields::of_flow(info);
    match context.subject(parts, fields.account.as_deref()) {
        Ok(subject) if subject == info.account.subject() => Ok(()),
        Err(failure) if failure.code == Failure::SIGNED_OUT.code => Err(failure),
        _ => Err(Failure::OTHER_PERSON),
    }
}

/// Requires that the account of a finished login is still connected, and is the signed-in person's.
/// Returns the path to redirect to.
pub(crate) async fn require_connected(
    context: &RouteContext,
    callback_path: &CallbackPath,
    flow: &Flow,
    parts: &Parts,
) -> Result<String, Failure> {
    let info = live_flow(context, callback_path, flow)?;
    require_same_person(context, parts, &info)?;
    match info.account.status().await {
        Ok(Status::Connected(_)) => Ok(context.destination(&info)),
        Ok(_) => Err(Failure::NO_FLOW),
        Err(error) => Err(context.log(&callback_path.brand, &error)),
    }
}

/// Passes the redirect to the engine, which checks it and exchanges the code. Returns the path to
/// redirect to.
pub(crate) async fn exchange(
    context: &RouteContext,
    callback_path: &CallbackPath,
    (flow, info): (&Flow, &FlowInfo),
    redirect: Redirect,
    confirmation: Option<Confirmation>,
) -> Result<String, Unfinished> {
    let (accounts, flow) = (&context.accounts, flow.clone());
    let given = redirect.clone();
    let finished = match confirmation {
        None => accounts.finish(flow, given).await,
        Some(by) => accounts.finish_confirmed(flow, given, by).await,
    };
    match finished {
        Ok(login) => {
            if let Some(hook) = &context.routes.after_connect {
                hook(login).await;
            }
            Ok(context.destination(info))
        }
        Err(Error::ConfirmationRequired { .. }) => {
            Err(Unfinished::Unconfirmed(Box::new(info.clone()), redirect))
        }
        Err(error) => Err(context.log(&callback_path.brand, &error).into()),
    }
}

/// Redirects to the failure's page, or to the application's.
///
/// The redirect leads to a URL without the code, which would stay in the address bar and in the
/// history. A failure that leaves the code unused has its page here: a reload tries again.
pub(crate) fn failed(
    context: &RouteContext,
    callback_path: &CallbackPath,
    parts: &Parts,
    failure: &Failure,
) -> Response {
    if failure.keeps_code || context.routes.failed.is_some() {
        return failed_here(context, callback_path, parts, failure);
    }
    failure.log(&callback_path.brand);
    let mut response = page::see_other(&shown_path(callback_path, failure));
    cookies::set_shown(
        callback_path,
        failure,
        &parts.headers,
        response.headers_mut(),
    );
    response
}

/// Redirects to the application's page about the failure, or renders one at this URL.
pub(crate) fn failed_here(
    context: &RouteContext,
    callback_path: &CallbackPath,
    parts: &Parts,
    failure: &Failure,
) -> Response {
    let brand = &callback_path.brand;
    failure.log(brand);
    match &context.routes.failed {
        Some(path) => page::see_other(&local_path::with_parameter(path, "failure", failure.code)),
        None => context.failure_page(parts, brand, Task::Connect, failure),
    }
}

/// Returns the path of a failure's own page, whose texts are in a cookie.
pub(crate) fn shown_path(callback_path: &CallbackPath, failure: &Failure) -> String {
    format!("{}?{SHOWN}={}", callback_path.path, failure.code)
}

/// The parameter of a failure's own page. It stands alone, so no provider's answer looks like it.
const SHOWN: &str = "failed";

/// Returns the failure whose own page this is.
pub(crate) fn shown(
    callback_path: &CallbackPath,
    query: &str,
    headers: &HeaderMap,
) -> Option<Failure> {
    let code = query.strip_prefix(SHOWN)?.strip_prefix('=')?;
    let failure = Failure::of_code(code)?;
    Some(cookies::shown(callback_path, failure, headers))
}

async fn finish(
    context: &RouteContext,
    callback_path: &CallbackPath,
    flow: &Flow,
    parts: &Parts,
    redirect: Redirect,
) -> Result<String, Unfinished> {
    let info = live_flow(context, callback_path, flow)?;
    require_same_person(context, parts, &info)?;
    exchange(context, callback_path, (flow, &info), redirect, None).await
}

fn redirected(
    context: &RouteContext,
    callback_path: &CallbackPath,
    parts: &Parts,
    finished: &Result<String, Failure>,
) -> Response {
    match finished {
        Ok(destination) => page::see_other(destination),
        Err(failure) => failed(context, callback_path, parts, failure),
    }
}
