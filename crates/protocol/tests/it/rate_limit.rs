//! Rate-limit headers under the dialect's names.

use std::time::{Duration, UNIX_EPOCH};

use tokenkeeper_protocol::{Provider, RateLimit, Verdict, http::StatusCode};

use crate::support::*;

#[test]
fn headers_are_read_under_the_dialects_names() {
    let client = with(|d| {
        let names = &mut d.resource.rate_limit;
        names.limit = Some("X-RateLimit-Limit".to_owned());
        names.remaining = Some("X-RateLimit-Remaining".to_owned());
        names.reset = Some("X-RateLimit-Reset".to_owned());
    });
    let limited = response(
        429,
        &[
            ("x-ratelimit-limit", "200"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "784111837"),
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ],
        "",
    );
    let expected = RateLimit {
        limit: Some(200),
        remaining: Some(0),
        reset: Some(UNIX_EPOCH + Duration::from_secs(784_111_837)),
        retry_after: Some(Duration::from_secs(60)),
    };
    assert_eq!(client.rate_limit(limited.headers()), expected);
    let verdict = client.read_resource_response(StatusCode::TOO_MANY_REQUESTS, limited.headers());
    assert_eq!(
        verdict,
        Verdict::RateLimited {
            retry_after: expected.retry_after
        }
    );
}

#[test]
fn unreadable_headers_are_absent() {
    let odd = response(
        429,
        &[
            ("retry-after", "99999999999999999999999"),
            ("x-ratelimit-limit", "many"),
        ],
        "",
    );
    assert_eq!(client().rate_limit(odd.headers()), RateLimit::default());
}
