//! The cookies that bind a login to the browser that started it.

use std::time::{Duration, SystemTime};

use cookie::{Cookie, SameSite, time};
use http::{
    HeaderMap, HeaderValue,
    header::{COOKIE, SET_COOKIE},
};
use sha2::{Digest as _, Sha256};
use tokenkeeper_engine::{Flow, FlowInfo, LoginRedirect};

use crate::{callback_path::CallbackPath, failure::Failure};

/// How many logins at one provider a browser may have at once.
///
/// Each adds half a kilobyte to every request, and servers bound the size of headers.
const MAX_PARALLEL: usize = 4;

/// A cookie that holds a flow.
pub(crate) struct FlowCookie {
    pub(crate) name: String,
    pub(crate) flow: Flow,
}

/// The remaining lifetime of a flow, which is also that of its cookies.
pub(crate) fn lifetime(info: &FlowInfo) -> Duration {
    let left = info.expires_at.duration_since(SystemTime::now());
    Duration::from_secs(left.unwrap_or_default().as_secs() + 1)
}

/// Sets the cookie of a new login, and removes the oldest ones above the limit.
pub(crate) fn set_flow(
    callback_path: &CallbackPath,
    (login, info): (&LoginRedirect, &FlowInfo),
    given: &HeaderMap,
    set: &mut HeaderMap,
) {
    let state = login.url.query_pairs().find(|(name, _)| name == "state");
    let own = flow_name(callback_path, state.as_ref().map(|(_, state)| &**state));
    let mut others = flow_cookies(callback_path, given);
    others.retain(|other| other.name != own);
    let room = if callback_path.parallel {
        MAX_PARALLEL - 1
    } else {
        0
    };
    // Browsers send the older ones first (RFC 6265 §5.4).
    for oldest in &others[..others.len().saturating_sub(room)] {
        remove(callback_path, &oldest.name, set);
    }
    let cookie = Cookie::new(own, login.flow.as_str());
    add(callback_path, cookie, SameSite::Lax, lifetime(info), set);
}

/// Finds the flow that a redirect with this state claims; the engine checks the claim.
pub(crate) fn find_flow(
    callback_path: &CallbackPath,
    state: Option<&str>,
    given: &HeaderMap,
) -> Result<FlowCookie, Failure> {
    let mut cookies = flow_cookies(callback_path, given);
    let name = flow_name(callback_path, state);
    if let Some(at) = cookies.iter().position(|cookie| cookie.name == name) {
        return Ok(cookies.swap_remove(at));
    }
    match cookies.pop().filter(|_| callback_path.parallel) {
        None => Err(Failure::NO_FLOW),
        // A denial may come without its state, which is ambiguous if there are two logins.
        Some(only) if state.is_none() && cookies.is_empty() => Ok(only),
        Some(_) => Err(Failure::STATE),
    }
}

/// Removes the cookie of a flow.
pub(crate) fn remove(callback_path: &CallbackPath, name: &str, set: &mut HeaderMap) {
    let cookie = Cookie::new(name, "");
    add(callback_path, cookie, SameSite::Lax, Duration::ZERO, set);
}

/// Returns the nonce of the relay page that this browser got last, if it is for this flow.
pub(crate) fn nonce(
    callback_path: &CallbackPath,
    flow_id: &str,
    given: &HeaderMap,
) -> Option<String> {
    let name = name(callback_path, RELAY);
    let cookie = cookies(given).find(|cookie| cookie.name() == name)?;
    let (of, nonce) = cookie.value().split_once('.')?;
    (of == flow_id && !nonce.is_empty()).then(|| nonce.to_owned())
}

/// Sets the nonce of a relay page, which invalidates that of an earlier page.
pub(crate) fn set_nonce(
    callback_path: &CallbackPath,
    info: &FlowInfo,
    nonce: &str,
    set: &mut HeaderMap,
) {
    let cookie = Cookie::new(name(callback_path, RELAY), format!("{}.{nonce}", info.id));
    add(callback_path, cookie, SameSite::Strict, lifetime(info), set);
}

/// Removes the nonce.
pub(crate) fn remove_nonce(callback_path: &CallbackPath, set: &mut HeaderMap) {
    let cookie = Cookie::new(name(callback_path, RELAY), "");
    add(callback_path, cookie, SameSite::Strict, Duration::ZERO, set);
}

/// The suffix of a provider's flow cookie if a browser may have only one.
const ONLY: &str = "flow";

/// The suffix of the cookie with the relay page's nonce.
const RELAY: &str = "relay";

/// Returns the name of a provider's cookie. Brands have no dot, so names are unique.
///
/// `__Host-` makes browsers refuse a cookie set by a subdomain or over http; it requires https.
fn name(callback_path: &CallbackPath, suffix: &str) -> String {
    let prefix = if callback_path.secure { "__Host-" } else { "" };
    format!("{prefix}tokenkeeper.{}.{suffix}", callback_path.brand)
}

fn flow_name(callback_path: &CallbackPath, state: Option<&str>) -> String {
    let Some(state) = state.filter(|_| callback_path.parallel) else {
        return name(callback_path, ONLY);
    };
    let digest = Sha256::digest(state);
    let suffix: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
    name(callback_path, &suffix)
}

/// Returns all cookies of the provider.
///
/// They may include a nonce, but then a flow is looked up by its name.
fn flow_cookies(callback_path: &CallbackPath, given: &HeaderMap) -> Vec<FlowCookie> {
    let prefix = name(callback_path, "");
    cookies(given)
        .filter(|cookie| cookie.name().starts_with(&prefix))
        .map(|cookie| FlowCookie {
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
    callback_path: &CallbackPath,
    mut cookie: Cookie<'_>,
    same_site: SameSite,
    max_age: Duration,
    set: &mut HeaderMap,
) {
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_secure(callback_path.secure);
    cookie.set_same_site(same_site);
    cookie.set_max_age(time::Duration::try_from(max_age).ok());
    let mut value = HeaderValue::from_str(&cookie.to_string())
        .expect("brands, flows and nonces are ASCII without separators");
    value.set_sensitive(true);
    set.append(SET_COOKIE, value);
}
