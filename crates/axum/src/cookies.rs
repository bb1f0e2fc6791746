//! The cookies that bind a login to the browser that started it.

use std::time::{Duration, SystemTime};

use cookie::{Cookie, SameSite, time};
use http::{
    HeaderMap, HeaderValue,
    header::{COOKIE, SET_COOKIE},
};
use sha2::{Digest as _, Sha256};
use tokenkeeper_engine::{Accounts, Flow, FlowInfo, LoginRedirect, protocol::ResponseMode};

use crate::{callback_path::CallbackPath, failure::Failure};

/// How many logins at one provider a browser may have at once.
///
/// Each adds half a kilobyte to every request, and servers bound the size of headers.
const MAX_PARALLEL: usize = 4;

/// How long a failure is remembered, for a callback that comes again.
const FAILURE_LIFETIME: Duration = Duration::from_secs(600);

/// The cookie of a login.
pub(crate) struct LoginCookie {
    name: String,
    pub(crate) progress: Progress,
}

/// What the cookie of a login says about it.
///
/// The browser could change the outcome, which only selects what this browser is shown.
pub(crate) enum Progress {
    /// It may be in progress.
    Open(Flow),
    /// It connected the account of this flow.
    Connected(Flow),
    /// It ended in this failure.
    Failed(Failure),
}

impl Progress {
    fn read(value: &str) -> Self {
        if let Some(flow) = value.strip_prefix(CONNECTED) {
            return Self::Connected(Flow::from(flow.to_owned()));
        }
        match Failure::of_ended(value) {
            Some(failure) => Self::Failed(failure),
            None => Self::Open(Flow::from(value.to_owned())),
        }
    }

    fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }
}

/// The prefix of the flow in the cookie of a successful login. Flows have no dot.
const CONNECTED: &str = "connected.";

/// The remaining lifetime of a flow, which is also that of its cookies.
pub(crate) fn lifetime(info: &FlowInfo) -> Duration {
    let left = info.expires_at.duration_since(SystemTime::now());
    Duration::from_secs(left.unwrap_or_default().as_secs() + 1)
}

/// Sets the cookie of a new login, and removes those of ended ones and the oldest ones above the
/// limit.
pub(crate) fn set_flow(
    callback_path: &CallbackPath,
    (login, info): (&LoginRedirect, &FlowInfo),
    given: &HeaderMap,
    set: &mut HeaderMap,
) {
    let own = login_name(callback_path, Some(login.state.expose()));
    let others = of_provider(callback_path, given).filter(|other| other.name != own);
    let (open, ended): (Vec<_>, Vec<_>) = others.partition(|other| other.progress.is_open());
    let room = if callback_path.parallel {
        MAX_PARALLEL - 1
    } else {
        0
    };
    // Browsers send the older ones first (RFC 6265 §5.4).
    let oldest = &open[..open.len().saturating_sub(room)];
    for other in ended.iter().chain(oldest) {
        remove(callback_path, &other.name, set);
    }
    let cookie = Cookie::new(own, login.flow.as_str());
    let same_site = same_site(callback_path);
    add(callback_path, cookie, same_site, lifetime(info), set);
}

/// Finds the login that a redirect with this state claims; the engine checks the claim.
pub(crate) fn find(
    callback_path: &CallbackPath,
    state: Option<&str>,
    given: &HeaderMap,
) -> Result<LoginCookie, Failure> {
    let name = login_name(callback_path, state);
    let mut others_open = false;
    for cookie in of_provider(callback_path, given) {
        if cookie.name == name {
            return Ok(cookie);
        }
        others_open |= cookie.progress.is_open();
    }
    if callback_path.parallel && others_open {
        return Err(Failure::STATE);
    }
    Err(Failure::NO_FLOW)
}

/// Keeps the outcome of a finished login in place of its flow, so that a callback that comes again
/// ends in the same way.
pub(crate) fn keep_outcome(
    accounts: &Accounts,
    callback_path: &CallbackPath,
    cookie: &LoginCookie,
    finished: &Result<(), Failure>,
    set: &mut HeaderMap,
) {
    let Progress::Open(flow) = &cookie.progress else {
        return;
    };
    let outcome = match finished {
        // The flow is opened again for a repeated callback.
        Ok(()) => accounts.flow(flow).ok().map(|info| {
            let connected = format!("{CONNECTED}{}", flow.as_str());
            (connected, lifetime(&info))
        }),
        Err(failure) if failure.ends_flow => {
            Failure::of_ended(failure.code).map(|ended| (ended.code.to_owned(), FAILURE_LIFETIME))
        }
        Err(_) => return,
    };
    let Some((outcome, lifetime)) = outcome else {
        return remove(callback_path, &cookie.name, set);
    };
    let cookie = Cookie::new(&*cookie.name, outcome);
    let same_site = same_site(callback_path);
    add(callback_path, cookie, same_site, lifetime, set);
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

/// The suffix of a provider's login cookie if a browser may have only one.
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

fn login_name(callback_path: &CallbackPath, state: Option<&str>) -> String {
    let Some(state) = state.filter(|_| callback_path.parallel) else {
        return name(callback_path, ONLY);
    };
    let digest = Sha256::digest(state);
    let suffix: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
    name(callback_path, &suffix)
}

/// Returns all cookies of the provider.
///
/// They may include a nonce, but then a login is looked up by its name.
fn of_provider(
    callback_path: &CallbackPath,
    given: &HeaderMap,
) -> impl Iterator<Item = LoginCookie> {
    let prefix = name(callback_path, "");
    cookies(given)
        .filter(move |cookie| cookie.name().starts_with(&prefix))
        .map(|cookie| LoginCookie {
            name: cookie.name().to_owned(),
            progress: Progress::read(cookie.value()),
        })
}

fn cookies(given: &HeaderMap) -> impl Iterator<Item = Cookie<'_>> {
    let headers = given.get_all(COOKIE).into_iter();
    let texts = headers.filter_map(|header| header.to_str().ok());
    texts.flat_map(Cookie::split_parse).filter_map(Result::ok)
}

/// The redirect comes from another site: by a link or, in a form post, by a form.
fn same_site(callback_path: &CallbackPath) -> SameSite {
    match callback_path.response_mode {
        ResponseMode::FormPost => SameSite::None,
        ResponseMode::Query | ResponseMode::Fragment => SameSite::Lax,
    }
}

fn remove(callback_path: &CallbackPath, name: &str, set: &mut HeaderMap) {
    let cookie = Cookie::new(name, "");
    let same_site = same_site(callback_path);
    add(callback_path, cookie, same_site, Duration::ZERO, set);
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
    // Browsers refuse `SameSite=None` without `Secure`, and most take `Secure` on loopback.
    cookie.set_secure(callback_path.secure || same_site == SameSite::None);
    cookie.set_same_site(same_site);
    cookie.set_max_age(time::Duration::try_from(max_age).ok());
    let mut value = HeaderValue::from_str(&cookie.to_string())
        .expect("brands, flows, words and nonces are ASCII without separators");
    value.set_sensitive(true);
    set.append(SET_COOKIE, value);
}
