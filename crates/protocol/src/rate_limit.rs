//! Rate limits, as response headers state them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, header::RETRY_AFTER};

use crate::{dialect::RateLimitHeaders, header};

/// The rate limit that a response states. An absent or unreadable value is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests allowed in a window.
    pub limit: Option<u64>,
    /// Requests left in this window; of several windows, in the one with the fewest.
    pub remaining: Option<u64>,
    /// The end of the window.
    pub reset: Option<SystemTime>,
    /// How long to wait: `Retry-After` in either form, otherwise until `reset` if the response has
    /// a `Date`, otherwise what a `RateLimit` header says whose limit is used up.
    pub retry_after: Option<Duration>,
}

/// Reads the headers. `fallback` is the current time for a response without a `Date`.
pub(crate) fn read(
    names: &RateLimitHeaders,
    headers: &HeaderMap,
    fallback: Option<SystemTime>,
) -> RateLimit {
    let number =
        |name: &Option<String>| -> Option<u64> { text(headers, name.as_deref()?)?.parse().ok() };
    let reset = number(&names.reset).and_then(|s| UNIX_EPOCH.checked_add(Duration::from_secs(s)));
    let date = header::date(headers);
    // Both times are the server's: our clock does not matter.
    let until =
        |then: SystemTime| Some(then.duration_since(date.or(fallback)?).unwrap_or_default());
    let retry_after = text(headers, RETRY_AFTER.as_str()).and_then(|value| {
        let seconds = value.parse().ok().map(Duration::from_secs);
        seconds.or_else(|| until(httpdate::parse_http_date(value).ok()?))
    });
    RateLimit {
        limit: number(&names.limit),
        remaining: names.remaining.as_deref().and_then(|name| {
            let items = items(headers, name);
            items.filter_map(|item| item.parse().ok()).min()
        }),
        reset,
        retry_after: retry_after
            .or_else(|| until(reset?))
            .or_else(|| used_up_window(headers)?),
    }
}

/// Returns whether a response says that a rate limit is used up: it asks to wait, or no request is
/// left. If the dialect names no header for the latter, the common ones count.
pub(crate) fn is_used_up(names: &RateLimitHeaders, headers: &HeaderMap) -> bool {
    const COMMON: [&str; 3] = [
        "x-ratelimit-remaining",
        "x-rate-limit-remaining",
        "ratelimit-remaining",
    ];
    let own = names.remaining.as_deref();
    let common = COMMON.iter().copied().filter(|_| own.is_none());
    let mut remaining = own.into_iter().chain(common);
    headers.contains_key(RETRY_AFTER)
        || remaining.any(|name| items(headers, name).any(|item| item == "0"))
        || (own.is_none() && used_up_window(headers).is_some())
}

/// Returns how long a used-up window of the header `RateLimit` lasts: the longest of several, and
/// `Some(None)` if it does not say. `None`: no window is used up.
///
/// The header has one of the forms of draft-ietf-httpapi-ratelimit-headers:
/// `"default";r=0;t=30`, before `limit=100, remaining=0, reset=30`.
fn used_up_window(headers: &HeaderMap) -> Option<Option<Duration>> {
    let values = headers.get_all("ratelimit").iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let windows = values.flat_map(|value| {
        let earlier = window(value.split(','), "remaining=", "reset=");
        let policies = value.split(',');
        policies
            .filter_map(|policy| window(policy.split(';'), "r=", "t="))
            .chain(earlier)
    });
    windows.max()
}

/// Returns how long a window lasts if nothing remains of it.
fn window<'h>(
    parameters: impl Iterator<Item = &'h str>,
    remaining: &str,
    reset: &str,
) -> Option<Option<Duration>> {
    let parameters: Vec<&str> = parameters.map(str::trim).collect();
    let value = |name| parameters.iter().find_map(|text| text.strip_prefix(name));
    let seconds = || value(reset)?.parse().ok().map(Duration::from_secs);
    (value(remaining)? == "0").then(seconds)
}

/// Returns the items of a header that is a list, in all its lines.
fn items<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',').map(str::trim))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}
