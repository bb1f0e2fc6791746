//! The redirect to the client: its parameters, and the part of it that has them.

use axum::body::Body;
use http::Response;

use super::options::{RedirectOptions, ResponseMode};
use crate::answer;
use crate::page;
use crate::params::{encode, with_query};

/// Sends the browser to `uri` with these parameters, which have their standard names.
pub(super) fn send(
    options: &RedirectOptions,
    uri: &str,
    parameters: &[(&str, &str)],
) -> Response<Body> {
    let parameters: Vec<_> = parameters
        .iter()
        .map(|(standard, value)| (options.name(standard), *value))
        .collect();
    match options.mode {
        ResponseMode::Query => answer::redirect(&with_query(uri, &parameters)),
        ResponseMode::Fragment => answer::redirect(&format!("{uri}#{}", encode(&parameters))),
        ResponseMode::FormPost => answer::page(page::form_post(uri, &parameters)),
    }
}

/// Returns whether two redirect URIs are the same but for the port of a loopback address.
pub(super) fn same_but_for_port(one: &str, other: &str) -> bool {
    match (loopback(one), loopback(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// Splits a loopback URI at its port. Returns what is before and what is after.
fn loopback(uri: &str) -> Option<(&str, &str)> {
    let before = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find(|before| uri.starts_with(before))?;
    let rest = &uri[before.len()..];
    let after = match rest.strip_prefix(':') {
        Some(rest) => rest.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    (after.is_empty() || after.starts_with(['/', '?'])).then_some((before, after))
}

#[cfg(test)]
mod tests {
    use super::same_but_for_port;

    #[test]
    fn only_a_loopback_address_may_change_its_port() {
        for (other, same) in [
            ("http://127.0.0.1:51004/cb", true),
            ("http://127.0.0.1/cb", true),
            ("http://127.0.0.1:80/other", false),
            ("http://[::1]:80/cb", false),
            ("http://127.0.0.1.evil.test/cb", false),
            ("http://127.0.0.1:80@evil.test/cb", false),
            ("http://localhost:80/cb", false),
        ] {
            let registered = "http://127.0.0.1:9/cb";
            assert_eq!(same_but_for_port(registered, other), same, "{other}");
        }
        let site = "https://app.example/cb";
        assert!(!same_but_for_port(site, site));
    }
}
