//! Responses of the API.

use std::time::Duration;

use tokenkeeper_protocol::{Provider, Verdict, http::StatusCode};

use crate::support::*;

fn verdict(client: &impl Provider, status: u16, headers: &[(&str, &str)]) -> Verdict {
    let response = response(status, headers, "");
    client.read_resource_response(StatusCode::from_u16(status).unwrap(), response.headers())
}

#[test]
fn only_the_dialects_statuses_reject_a_token() {
    let plain = client();
    assert_eq!(verdict(&plain, 401, &[]), Verdict::Rejected);
    for status in [200, 204, 302, 400, 403, 404, 500, 503] {
        assert_eq!(verdict(&plain, status, &[]), Verdict::Accepted, "{status}");
    }
    let both = with(|d| d.resource.rejected = vec![401, 403]);
    assert_eq!(verdict(&both, 403, &[]), Verdict::Rejected);
}

#[test]
fn a16_too_many_requests_is_never_a_rejection() {
    let waits = |seconds: Option<u64>| Verdict::RateLimited {
        retry_after: seconds.map(Duration::from_secs),
    };
    assert_eq!(
        verdict(&client(), 429, &[("retry-after", "47")]),
        waits(Some(47))
    );
    assert_eq!(verdict(&client(), 429, &[]), waits(None));
}

#[test]
fn insufficient_scope_is_not_a_rejection() {
    let both = with(|d| d.resource.rejected = vec![401, 403]);
    let narrow = [("www-authenticate", r#"Bearer error="insufficient_scope""#)];
    assert_eq!(verdict(&both, 403, &narrow), Verdict::Accepted);
    let invalid = [("www-authenticate", r#"Bearer error="invalid_token""#)];
    assert_eq!(verdict(&both, 403, &invalid), Verdict::Rejected);
}
