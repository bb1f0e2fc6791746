//! The callback: what is checked of every redirect, and the one that comes in the query.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::request::Parts;
use tokenkeeper_engine::{Flow, FlowInfo, protocol::Redirect};

use crate::{
    context::RouteContext,
    cookies::{self, Held},
    failure::Failure,
    landing::Landing,
    local_path, page,
};

/// Answers a redirect that has its answer in the query.
pub(crate) async fn query(
    State(context): State<Arc<RouteContext>>,
    landing: Arc<Landing>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let state = state(&parts);
    let held = match cookies::flow(&landing, state.as_deref(), &parts.headers) {
        Ok(held) => held,
        Err(failure) => return failed(&context, &failure),
    };
    let finished = finish(&context, &landing, &held, &parts).await;
    let ends = finished.is_ok() || finished.is_err_and(|failure| failure.ends_flow);
    let mut response = match finished {
        Ok(()) => page::see_other(&context.connected),
        Err(failure) => failed(&context, &failure),
    };
    if ends {
        cookies::remove(&landing, &held.name, response.headers_mut());
    }
    response
}

/// The flow, if it is live and its answer has to arrive here (RFC 9700 §4.4.2).
pub(crate) fn live(
    context: &RouteContext,
    landing: &Landing,
    flow: &Flow,
) -> Result<FlowInfo, Failure> {
    let info = context.accounts.flow(flow);
    let info = info.map_err(|error| context.log(&landing.brand, &error))?;
    let uri = &info.redirect_uri;
    if uri.path() != landing.path || uri.origin().ascii_serialization() != landing.origin {
        return Err(Failure::WRONG_PLACE);
    }
    Ok(info)
}

/// Whoever is signed in now has to be who started the flow.
pub(crate) fn same_person(
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

/// Hands the answer to the session, which judges it and exchanges the code.
pub(crate) async fn exchange(
    context: &RouteContext,
    landing: &Landing,
    held: &Held,
    redirect: Redirect,
) -> Result<(), Failure> {
    let finished = context.accounts.finish(held.flow.clone(), redirect).await;
    finished
        .map(drop)
        .map_err(|error| context.log(&landing.brand, &error))
}

async fn finish(
    context: &RouteContext,
    landing: &Landing,
    held: &Held,
    parts: &Parts,
) -> Result<(), Failure> {
    let info = live(context, landing, &held.flow)?;
    same_person(context, parts, &info)?;
    let query = parts.uri.query().unwrap_or_default();
    exchange(context, landing, held, Redirect::query(query)).await
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
