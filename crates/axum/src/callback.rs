//! The callback: the checks of every redirect, and the redirect with its answer in the query.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::request::Parts;
use tokenkeeper_engine::{Flow, FlowInfo, protocol::Redirect};

use crate::{
    callback_path::CallbackPath,
    context::RouteContext,
    cookies::{self, FlowCookie},
    failure::Failure,
    local_path, page,
};

/// Handles a redirect with its answer in the query.
pub(crate) async fn query(
    State(context): State<Arc<RouteContext>>,
    callback_path: Arc<CallbackPath>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let state = state(&parts);
    let cookie = match cookies::find_flow(&callback_path, state.as_deref(), &parts.headers) {
        Ok(cookie) => cookie,
        Err(failure) => return failed(&context, &failure),
    };
    let finished = finish(&context, &callback_path, &cookie, &parts).await;
    let ended = finished.is_ok() || finished.is_err_and(|failure| failure.ends_flow);
    let mut response = match finished {
        Ok(()) => page::see_other(&context.connected),
        Err(failure) => failed(&context, &failure),
    };
    if ended {
        cookies::remove(&callback_path, &cookie.name, response.headers_mut());
    }
    response
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
    match context.subject(parts) {
        None => Err(Failure::SIGNED_OUT),
        Some(subject) if subject != info.account.subject() => Err(Failure::OTHER_PERSON),
        Some(_) => Ok(()),
    }
}

/// Passes the redirect to the engine, which checks it and exchanges the code.
pub(crate) async fn exchange(
    context: &RouteContext,
    callback_path: &CallbackPath,
    cookie: &FlowCookie,
    redirect: Redirect,
) -> Result<(), Failure> {
    let finished = context.accounts.finish(cookie.flow.clone(), redirect).await;
    finished
        .map(drop)
        .map_err(|error| context.log(&callback_path.brand, &error))
}

async fn finish(
    context: &RouteContext,
    callback_path: &CallbackPath,
    cookie: &FlowCookie,
    parts: &Parts,
) -> Result<(), Failure> {
    let info = live_flow(context, callback_path, &cookie.flow)?;
    require_same_person(context, parts, &info)?;
    let query = parts.uri.query().unwrap_or_default();
    exchange(context, callback_path, cookie, Redirect::query(query)).await
}

fn failed(context: &RouteContext, failure: &Failure) -> Response {
    match &context.failed {
        Some(path) => page::see_other(&local_path::with_parameter(path, "failure", failure.code)),
        None => page::failure(failure),
    }
}

fn state(parts: &Parts) -> Option<String> {
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let mut states = form_urlencoded::parse(query).filter(|(name, _)| name == "state");
    let state = states.next().map(|(_, state)| state.into_owned());
    state.filter(|state| !state.is_empty())
}
