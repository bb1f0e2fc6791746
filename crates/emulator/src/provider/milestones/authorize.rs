//! The authorization page.

use axum::body::Body;
use axum::extract::State;
use http::{Response, StatusCode, Uri};

use super::Milestones;
use super::options::RedirectRule;
use crate::answer::{html, redirect};
use crate::ledger::Grant;
use crate::params::{Params, with_query};
use crate::provider::{Context, Decision};
use crate::{page, random};

pub(super) async fn authorize(State(cx): State<Context<Milestones>>, uri: Uri) -> Response<Body> {
    let params = Params::of_uri(&uri);
    let target = match target(&cx, &params) {
        Ok(target) => target,
        Err(text) => return html(StatusCode::BAD_REQUEST, page::error(text)),
    };
    let state = params
        .value("state")
        .filter(|_| cx.provider.options.echo_state)
        .map(|state| ("state", state));
    let failed = |error| {
        // Further parameters are preserved "after successful authorization", so not here.
        let answer: Vec<_> = [("error", error)].into_iter().chain(state).collect();
        redirect(&with_query(&target.registered, &answer))
    };
    if params.value("response_type") != Some("code") {
        return failed("unsupported_response_type");
    }
    match cx.decide(&target.client, &params) {
        Decision::Page(page) => page,
        Decision::Denied => failed("access_denied"),
        Decision::Approved(user) => {
            let code = random::hex(16);
            let redirect_uri = Some(target.sent.clone());
            let grant = Grant {
                client: target.client.clone(),
                user: user.login,
                redirect_uri,
                ..Grant::default()
            };
            cx.world.add_code(&code, grant, None);
            let answer: Vec<_> = [("code", code.as_str())].into_iter().chain(state).collect();
            redirect(&with_query(&target.sent, &answer))
        }
    }
}

/// The client, and its redirect URI as registered and as sent.
struct Target {
    client: String,
    registered: String,
    sent: String,
}

fn target(cx: &Context<Milestones>, params: &Params) -> Result<Target, &'static str> {
    if params.repeated().is_some() {
        return Err("A parameter is repeated.");
    }
    let client = params
        .value("client_id")
        .and_then(|id| cx.world.client(id))
        .ok_or("The client is unknown.")?;
    let sent = params
        .value("redirect_uri")
        .ok_or("The redirect URI is missing.")?;
    let rule = cx.provider.options.redirect_rule;
    let registered = client
        .redirect_uris
        .iter()
        .find(|registered| matches(rule, registered, sent));
    let registered = registered.ok_or("The redirect URI does not match the registered one.")?;
    Ok(Target {
        client: client.id.clone(),
        registered: registered.clone(),
        sent: sent.to_owned(),
    })
}

fn matches(rule: RedirectRule, registered: &str, sent: &str) -> bool {
    match rule {
        RedirectRule::Substring => sent.contains(registered),
        RedirectRule::Prefix => sent.strip_prefix(registered).is_some_and(|rest| {
            let delimiter = if registered.contains('?') { '&' } else { '?' };
            (rest.is_empty() || rest.starts_with(delimiter)) && !rest.contains('#')
        }),
    }
}
