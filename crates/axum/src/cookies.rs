//! The cookies that bind a login to the browser that started it.

use std::time::{Duration, SystemTime};

use cookie::{Cookie, SameSite, time};
use http::{
    HeaderMap, HeaderValue,
    header::{COOKIE, SET_COOKIE},
};
use sha2::{Digest as _, Sha256};
use tokenkeeper_engine::{Flow, FlowInfo, LoginRedirect};

use crate::{failure::Failure, landing::Landing};

/// How many logins at one provider may be under way in one browser. Each is half a kilobyte in every request, and servers bound that.
const PARALLEL: usize = 4;

/// A cookie with the flow in it.
pub(crate) struct Held {
    pub(crate) name: String,
    pub(crate) flow: Flow,
}

/// How long the flow is still good: as long as a browser keeps its cookies.
pub(crate) fn left(info: &FlowInfo) -> Duration {
    let left = info.expires_at.duration_since(SystemTime::now());
    Duration::from_secs(left.unwrap_or_default().as_secs() + 1)
}

/// Sets the cookie of a login that starts, and ends those that are then too many.
pub(crate) fn start(
    landing: &Landing,
    (start, info): (&LoginRedirect, &FlowInfo),
    given: &HeaderMap,
    set: &mut HeaderMap,
) {
    let state = start.url.query_pairs().find(|(name, _)| name == "state");
    let own = flow_name(landing, state.as_ref().map(|(_, state)| &**state));
    let mut others = flows(landing, given);
    others.retain(|held| held.name != own);
    let room = if landing.parallel { PARALLEL - 1 } else { 0 };
    // Browsers send the older ones first (RFC 6265 §5.4).
    for held in &others[..others.len().saturating_sub(room)] {
        remove(landing, &held.name, set);
    }
    let cookie = Cookie::new(own, start.flow.as_str());
    add(landing, cookie, SameSite::Lax, left(info), set);
}

/// The flow that a redirect with this state says it belongs to; whether it does, the session judges.
pub(crate) fn flow(
    landing: &Landing,
    state: Option<&str>,
    given: &HeaderMap,
) -> Result<Held, Failure> {
    let mut held = flows(landing, given);
    let named = flow_name(landing, state);
    if let Some(at) = held.iter().position(|held| held.name == named) {
        return Ok(held.swap_remove(at));
    }
    match held.pop().filter(|_| landing.parallel) {
        None => Err(Failure::NO_FLOW),
        // A denial may have lost its state; with two logins under way nobody knows which of them it ends.
        Some(only) if state.is_none() && held.is_empty() => Ok(only),
        Some(_) => Err(Failure::STATE),
    }
}

/// Ends a flow's cookie.
pub(crate) fn remove(landing: &Landing, name: &str, set: &mut HeaderMap) {
    let cookie = Cookie::new(name, "");
    add(landing, cookie, SameSite::Lax, Duration::ZERO, set);
}

/// The one-time nonce of the relay page that this browser was given last, for this flow.
pub(crate) fn nonce(landing: &Landing, flow_id: &str, given: &HeaderMap) -> Option<String> {
    let name = name(landing, RELAY);
    let cookie = cookies(given).find(|cookie| cookie.name() == name)?;
    let (of, nonce) = cookie.value().split_once('.')?;
    (of == flow_id && !nonce.is_empty()).then(|| nonce.to_owned())
}

/// Sets the nonce of a relay page; that of an earlier page is void.
pub(crate) fn set_nonce(landing: &Landing, info: &FlowInfo, nonce: &str, set: &mut HeaderMap) {
    let cookie = Cookie::new(name(landing, RELAY), format!("{}.{nonce}", info.id));
    add(landing, cookie, SameSite::Strict, left(info), set);
}

/// Ends the nonce.
pub(crate) fn remove_nonce(landing: &Landing, set: &mut HeaderMap) {
    let cookie = Cookie::new(name(landing, RELAY), "");
    add(landing, cookie, SameSite::Strict, Duration::ZERO, set);
}

const ONLY: &str = "flow";
const RELAY: &str = "relay";

/// `__Host-` makes browsers refuse a cookie that a neighbour (a subdomain, or http) wants to set; it takes https. Brands have no dot, so
/// no two names meet.
fn name(landing: &Landing, what: &str) -> String {
    let prefix = if landing.secure { "__Host-" } else { "" };
    format!("{prefix}tokenkeeper.{}.{what}", landing.brand)
}

fn flow_name(landing: &Landing, state: Option<&str>) -> String {
    let Some(state) = state.filter(|_| landing.parallel) else {
        return name(landing, ONLY);
    };
    let digest = Sha256::digest(state);
    let which: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
    name(landing, &which)
}

/// All of the provider's cookies; where there is a nonce among them, a flow is asked for by its name.
fn flows(landing: &Landing, given: &HeaderMap) -> Vec<Held> {
    let prefix = name(landing, "");
    cookies(given)
        .filter(|cookie| cookie.name().starts_with(&prefix))
        .map(|cookie| Held {
            name: cookie.name().to_owned(),
            flow: Flow::from(cookie.value().to_owned()),
        })
        .collect()
}

fn cookies(given: &HeaderMap) -> impl Iterator<Item = Cookie<'_>> {
    let headers = given.get_all(COOKIE).into_iter();
    let texts = headers.filter_map(|header| header.to_str().ok());
    texts.flat_map(Cookie::split_parse).filter_map(Result::ok)
}

fn add(
    landing: &Landing,
    mut cookie: Cookie<'_>,
    same_site: SameSite,
    kept: Duration,
    set: &mut HeaderMap,
) {
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_secure(landing.secure);
    cookie.set_same_site(same_site);
    cookie.set_max_age(time::Duration::try_from(kept).ok());
    let mut value = HeaderValue::from_str(&cookie.to_string())
        .expect("brands, flows and nonces are ASCII without separators");
    value.set_sensitive(true);
    set.append(SET_COOKIE, value);
}
