//! Reading, setting and removing cookies.

use std::time::Duration;

use cookie::{Cookie, SameSite, time};
use http::{
    HeaderMap, HeaderValue,
    header::{COOKIE, SET_COOKIE},
};

/// The prefix of a cookie that only this host may set, over https.
pub(super) const HOST: &str = "__Host-";

/// The start of the names of all cookies of logins.
pub(super) const OURS: &str = "tokenkeeper.";

pub(super) fn without_prefix(name: &str) -> &str {
    name.strip_prefix(HOST).unwrap_or(name)
}

/// Returns names and values of the cookies that are text.
///
/// Each pair is read alone, as bytes: other parts of the host may set cookies with any bytes.
pub(super) fn pairs(given: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let headers = given.get_all(COOKIE).into_iter();
    let pairs = headers.flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    let texts = pairs.filter_map(|pair| str::from_utf8(pair).ok());
    let pairs = texts.filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim(), value.trim()))
}

/// Removes a cookie of any provider. Browsers require the prefix's attributes for that too.
pub(super) fn remove(name: &str, set: &mut HeaderMap) {
    add(Cookie::new(name, ""), SameSite::Lax, Duration::ZERO, set);
}

pub(super) fn add(
    mut cookie: Cookie<'_>,
    same_site: SameSite,
    max_age: Duration,
    set: &mut HeaderMap,
) {
    cookie.set_path("/");
    cookie.set_http_only(true);
    // Browsers refuse `SameSite=None` without `Secure`, and most take `Secure` on loopback.
    let is_secure = cookie.name().starts_with(HOST) || same_site == SameSite::None;
    cookie.set_secure(is_secure);
    cookie.set_same_site(same_site);
    cookie.set_max_age(time::Duration::try_from(max_age).ok());
    let mut value = HeaderValue::from_str(&cookie.to_string())
        .expect("brands, flows, words and nonces are ASCII without separators");
    value.set_sensitive(true);
    set.append(SET_COOKIE, value);
}
