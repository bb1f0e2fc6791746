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
    let scopes = Vec::new();
    assert_eq!(
        verdict(&both, 403, &narrow),
        Verdict::InsufficientScope { scopes }
    );
    let invalid = [("www-authenticate", r#"Bearer error="invalid_token""#)];
    assert_eq!(verdict(&both, 403, &invalid), Verdict::Rejected);
}

fn scopes(challenge: &str) -> Vec<String> {
    match verdict(&client(), 403, &[("www-authenticate", challenge)]) {
        Verdict::InsufficientScope { scopes } => scopes,
        other => panic!("{challenge}: {other:?}"),
    }
}

#[test]
fn insufficient_scope_names_the_scopes() {
    for (challenge, expected) in [
        (r#"Bearer error="insufficient_scope""#, &[][..]),
        (
            r#"Bearer realm="api", error="insufficient_scope", scope="a  b:c https://x.example/y""#,
            &["a", "b:c", "https://x.example/y"],
        ),
        (r#"DPoP error=insufficient_scope, scope=a"#, &["a"]),
        (
            r#"Basic realm="x", Bearer error="insufficient_scope", scope="a""#,
            &["a"],
        ),
        // What has not the form of a scope is left out.
        (
            "Bearer error=\"insufficient_scope\", scope=\"a é b\\\\c\\\"d e\"",
            &["a", "e"],
        ),
    ] {
        assert_eq!(scopes(challenge), expected, "{challenge}");
    }
    let many: Vec<String> = (0..100).map(|n| format!("s{n}")).collect();
    let challenge = |scope: &str| format!(r#"Bearer error="insufficient_scope", scope="{scope}""#);
    assert_eq!(scopes(&challenge(&many.join(" "))), many[..32]);
    assert!(scopes(&challenge(&"x".repeat(257))).is_empty());
}

#[test]
fn a_401_for_a_scope_is_not_a_rejection_either() {
    let narrow = [(
        "www-authenticate",
        r#"Bearer error="insufficient_scope", scope="a""#,
    )];
    let scopes = vec!["a".to_owned()];
    assert_eq!(
        verdict(&client(), 401, &narrow),
        Verdict::InsufficientScope { scopes }
    );
    assert_eq!(verdict(&client(), 200, &narrow), Verdict::Accepted);
}

#[test]
fn a_403_with_a_used_up_rate_limit_is_not_a_rejection() {
    let both = with(|d| d.resource.rejected = vec![401, 403]);
    let named = with(|d| {
        d.resource.rejected = vec![401, 403];
        d.resource.rate_limit.remaining = Some("x-left".to_owned());
    });
    for headers in [
        &[("retry-after", "60")][..],
        &[("retry-after", "soon")],
        &[("x-ratelimit-remaining", "0")],
        &[("ratelimit-remaining", "0"), ("retry-after", "60")],
        &[("x-ratelimit-remaining", "0, 0")],
        &[("x-ratelimit-remaining", "12, 0")],
        &[("ratelimit", "\"default\";r=0;t=30")],
        &[("ratelimit", "\"burst\";r=5;t=1, \"day\"; r=0; t=30")],
        &[("ratelimit", "limit=100, remaining=0, reset=30")],
        &[("ratelimit", "\"default\";r=0")],
    ] {
        let verdict = verdict(&both, 403, headers);
        assert!(
            matches!(verdict, Verdict::RateLimited { .. }),
            "{headers:?}"
        );
    }
    let limited = |headers: &[(&str, &str)]| {
        matches!(verdict(&named, 403, headers), Verdict::RateLimited { .. })
    };
    assert!(limited(&[("x-left", "0")]));
    assert!(
        !limited(&[("x-ratelimit-remaining", "0")]),
        "the dialect's own name counts"
    );
    for headers in [
        &[][..],
        &[("x-ratelimit-remaining", "9")],
        &[("x-ratelimit-remaining", "10, 20")],
        &[("x-left", "1")],
        &[("ratelimit", "\"default\";r=10;t=0")],
        &[("ratelimit", "limit=100, remaining=10, reset=0")],
    ] {
        assert_eq!(
            verdict(&both, 403, headers),
            Verdict::Rejected,
            "{headers:?}"
        );
        assert_eq!(
            verdict(&client(), 403, headers),
            Verdict::Accepted,
            "{headers:?}"
        );
    }
    let structured = [(
        "ratelimit",
        "\"a\";r=0;t=30, \"b\";r=0;t=60, \"c\";r=1;t=90",
    )];
    let retry_after = Some(Duration::from_secs(60));
    assert_eq!(
        verdict(&both, 403, &structured),
        Verdict::RateLimited { retry_after }
    );
    // A 401 is about the token, and one refresh settles it.
    for header in [("x-ratelimit-remaining", "0"), structured[0]] {
        assert_eq!(verdict(&both, 401, &[header]), Verdict::Rejected);
    }
}
