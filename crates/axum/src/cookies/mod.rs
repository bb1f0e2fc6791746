//! The cookies that bind a login to the browser that started it.

mod jar;
mod nonce;
mod outcome;

use std::time::{Duration, SystemTime};

use cookie::{Cookie, SameSite};
use http::HeaderMap;
use sha2::{Digest as _, Sha256};
use tokenkeeper_engine::{Accounts, Flow, FlowInfo, LoginRedirect, protocol::ResponseMode};

pub(crate) use self::{
    nonce::{NoncePage, nonce, remove_nonce, set_nonce},
    outcome::{set_shown, shown},
};

use self::jar::{HOST, OURS, add, pairs, remove, without_prefix};
use crate::{callback_path::CallbackPath, failure::Failure};

/// How many logins at one provider a browser may have at once.
const MAX_PARALLEL: usize = 4;

/// The limit for the names and values of all logins' cookies, in bytes.
///
/// Browsers send them with every request of the site, and servers bound the size of headers. It is
/// also what browsers allow one cookie (RFC 6265bis §5.7).
const MAX_BYTES: usize = 4096;

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
        match outcome::decode(value) {
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

/// Sets the cookie of a new login, and removes those of ended ones, of the page about a failure,
/// and the oldest ones above the limits.
///
/// # Errors
/// A flow that fits in no cookie.
pub(crate) fn set_flow(
    callback_path: &CallbackPath,
    (login, info): (&LoginRedirect, &FlowInfo),
    given: &HeaderMap,
    set: &mut HeaderMap,
) -> Result<(), Failure> {
    let own = login_name(callback_path, Some(login.state.expose()));
    let bytes = own.len() + CONNECTED.len() + login.flow.as_str().len();
    if bytes > MAX_BYTES {
        tracing::warn!(
            provider = callback_path.brand,
            bytes,
            limit = MAX_BYTES,
            "a login fits in no cookie: shorten the account's subject or the scope"
        );
        return Err(Failure::MISCONFIGURED);
    }
    let others = of_provider(callback_path, given).filter(|other| other.name != own);
    let (open, ended): (Vec<_>, Vec<_>) = others.partition(|other| other.progress.is_open());
    let room = if callback_path.parallel {
        MAX_PARALLEL - 1
    } else {
        0
    };
    // Browsers send the older ones first (RFC 6265 §5.4).
    let oldest = &open[..open.len().saturating_sub(room)];
    let gone: Vec<&str> = ended
        .iter()
        .chain(oldest)
        .map(|c| c.name.as_str())
        .collect();
    for name in gone
        .iter()
        .copied()
        .chain(above_limit(&gone, &own, bytes, given))
    {
        remove(name, set);
    }
    outcome::forget_shown(callback_path, given, set);
    let cookie = Cookie::new(own, login.flow.as_str());
    let same_site = same_site(callback_path);
    add(cookie, same_site, lifetime(info), set);
    Ok(())
}

/// Returns the oldest logins, of all providers, that leave no room for a new one with `bytes`.
fn above_limit<'a>(
    gone: &[&str],
    own: &str,
    bytes: usize,
    given: &'a HeaderMap,
) -> impl Iterator<Item = &'a str> {
    let others: Vec<(&str, usize)> = pairs(given)
        .filter(|(name, _)| without_prefix(name).starts_with(OURS))
        .filter(|(name, _)| *name != own && !gone.contains(name))
        .map(|(name, value)| (name, name.len() + value.len()))
        .collect();
    let mut total = bytes + others.iter().map(|(_, bytes)| bytes).sum::<usize>();
    others.into_iter().map_while(move |(name, bytes)| {
        let is_above = total > MAX_BYTES;
        total -= bytes;
        is_above.then_some(name)
    })
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
pub(crate) fn keep_outcome<T>(
    accounts: &Accounts,
    callback_path: &CallbackPath,
    cookie: &LoginCookie,
    finished: &Result<T, Failure>,
    set: &mut HeaderMap,
) {
    let Progress::Open(flow) = &cookie.progress else {
        return;
    };
    let kept = match finished {
        // The flow is opened again for a repeated callback.
        Ok(_) => accounts.flow(flow).ok().map(|info| {
            let connected = format!("{CONNECTED}{}", flow.as_str());
            (connected, lifetime(&info))
        }),
        Err(failure) if failure.ends_flow => {
            let ended = Failure::of_ended(failure.code);
            ended.map(|_| (outcome::encode(failure), outcome::LIFETIME))
        }
        Err(_) => return,
    };
    let Some((value, lifetime)) = kept else {
        return remove(&cookie.name, set);
    };
    let cookie = Cookie::new(&*cookie.name, value);
    let same_site = same_site(callback_path);
    add(cookie, same_site, lifetime, set);
}

/// The suffix of a provider's login cookie if a browser may have only one.
const ONLY: &str = "flow";

/// Returns the name of a provider's cookie. Brands have no dot, so names are unique.
///
/// `__Host-` makes browsers refuse a cookie set by a subdomain or over http; it requires https.
fn name(callback_path: &CallbackPath, suffix: &str) -> String {
    let host = host(callback_path);
    format!("{host}{OURS}{}.{suffix}", callback_path.brand)
}

/// Returns the prefix of names at this callback's host.
fn host(callback_path: &CallbackPath) -> &'static str {
    if callback_path.secure { HOST } else { "" }
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
    pairs(given)
        .filter(move |(name, _)| name.starts_with(&prefix))
        .map(|(name, value)| LoginCookie {
            name: name.to_owned(),
            progress: Progress::read(value),
        })
}

/// The redirect comes from another site: by a link or, in a form post, by a form.
fn same_site(callback_path: &CallbackPath) -> SameSite {
    match callback_path.response_mode {
        ResponseMode::FormPost => SameSite::None,
        ResponseMode::Query | ResponseMode::Fragment => SameSite::Lax,
    }
}
