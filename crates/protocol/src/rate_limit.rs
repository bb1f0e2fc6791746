//! Rate limits, as response headers state them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, header::RETRY_AFTER};

use crate::{dialect::RateLimitHeaders, header};

/// The rate limit that a response states. An absent or unreadable value is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests allowed in a window.
    pub limit: Option<u64>,
    /// Requests left in this window.
    pub remaining: Option<u64>,
    /// The end of the window.
    pub reset: Option<SystemTime>,
    /// How long to wait: `Retry-After` in either form, otherwise until `reset` if the response has
    /// a `Date`.
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
        remaining: number(&names.remaining),
        reset,
        retry_after: retry_after.or_else(|| until(reset?)),
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
    headers.contains_key(RETRY_AFTER) || remaining.any(|name| text(headers, name) == Some("0"))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}
