//! The origins of the providers' APIs.

use std::{
    collections::HashSet,
    sync::{PoisonError, RwLock},
};

use tokenkeeper_protocol::{ApiOrigin, Origin};

/// The API origins of all providers and sites: sets, since every request without an account looks
/// up its target.
#[derive(Debug, Default)]
pub(crate) struct Origins(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    exact: HashSet<Origin>,
    /// The domains above the origins of a wildcard, each with its port unless that is the default.
    wildcards: HashSet<Box<str>>,
}

impl Origins {
    pub(crate) fn add<'a>(&self, origins: impl Iterator<Item = &'a ApiOrigin>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for origin in origins {
            if let Some(above) = origin.wildcard() {
                known.wildcards.insert(host_and_port(above).into());
            }
            known.exact.extend(origin.exact().cloned());
        }
    }

    pub(super) fn contain(&self, origin: &Origin) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.exact.contains(origin) || (!known.wildcards.is_empty() && known.have_wildcard(origin))
    }
}

impl Known {
    /// Returns whether a wildcard matches: it is https, and a domain above the origin's is known.
    fn have_wildcard(&self, origin: &Origin) -> bool {
        let is_https = origin.as_str().starts_with("https://");
        let mut rest = host_and_port(origin);
        // An address has no domain above it; its parts are in no wildcard.
        while is_https && let Some((_, above)) = rest.split_once('.') {
            if self.wildcards.contains(above) {
                return true;
            }
            rest = above;
        }
        false
    }
}

/// Returns `host` or `host:port`.
fn host_and_port(origin: &Origin) -> &str {
    let text = origin.as_str();
    text.split_once("://").map_or(text, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_found_below_its_domain_only() {
        let origins = Origins::default();
        let known = ["https://api.example.org", "https://*.example.com"];
        let known = known.map(|origin| ApiOrigin::parse(origin).unwrap());
        origins.add(known.iter());
        for (target, expected) in [
            ("https://api.example.org", true),
            ("https://x.api.example.org", false),
            ("https://a.example.com", true),
            ("https://a.b.example.com", true),
            ("https://example.com", false),
            ("https://aexample.com", false),
            ("https://a.example.com:8443", false),
            ("https://a.example.com.evil.test", false),
            ("https://127.0.0.1", false),
        ] {
            let origin = Origin::parse(target).unwrap();
            assert_eq!(origins.contain(&origin), expected, "{target}");
            let uri = target.parse().unwrap();
            let matches = known.iter().any(|origin| origin.matches(&uri));
            assert_eq!(matches, expected, "{target}");
        }
    }
}
