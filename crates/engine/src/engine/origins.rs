//! The origins of the providers' APIs.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    sync::{PoisonError, RwLock},
};

use tokenkeeper_protocol::{ApiOrigin, Origin};

/// The API origins of all fixed bases and of the sites of connected accounts, each with the number
/// of its users: maps, since every request without an account looks up its target.
#[derive(Debug, Default)]
pub(crate) struct Origins(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    exact: HashMap<Origin, usize>,
    /// The domains above the origins of a wildcard, each with its port unless that is the default.
    wildcards: HashMap<Box<str>, usize>,
}

impl Origins {
    /// Adds a user of each origin.
    pub(crate) fn add(&self, origins: &[ApiOrigin]) {
        if origins.is_empty() {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for origin in origins {
            if let Some(above) = origin.wildcard() {
                *known
                    .wildcards
                    .entry(host_and_port(above).into())
                    .or_default() += 1;
            }
            if let Some(exact) = origin.exact() {
                *known.exact.entry(exact.clone()).or_default() += 1;
            }
        }
    }

    /// Removes a user of each origin, and the origin with its last user.
    pub(crate) fn remove(&self, origins: &[ApiOrigin]) {
        if origins.is_empty() {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for origin in origins {
            if let Some(above) = origin.wildcard() {
                remove_user(&mut known.wildcards, host_and_port(above));
            }
            if let Some(exact) = origin.exact() {
                remove_user(&mut known.exact, exact);
            }
        }
    }

    pub(super) fn contain(&self, origin: &Origin) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.exact.contains_key(origin)
            || (!known.wildcards.is_empty() && known.have_wildcard(origin))
    }
}

fn remove_user<K, Q>(users: &mut HashMap<K, usize>, of: &Q)
where
    K: Borrow<Q> + Eq + Hash,
    Q: Eq + Hash + ?Sized,
{
    if let Some(count) = users.get_mut(of) {
        *count -= 1;
        if *count == 0 {
            users.remove(of);
        }
    }
}

impl Known {
    /// Returns whether a wildcard matches: it is https, and a domain above the origin's is known.
    fn have_wildcard(&self, origin: &Origin) -> bool {
        let is_https = origin.as_str().starts_with("https://");
        let mut rest = host_and_port(origin);
        // An address has no domain above it; its parts are in no wildcard.
        while is_https && let Some((_, above)) = rest.split_once('.') {
            if self.wildcards.contains_key(above) {
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
        origins.add(&known);
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

    #[test]
    fn an_origin_goes_with_its_last_user() {
        let origins = Origins::default();
        let known = ["https://api.example.org", "https://*.example.com"];
        let known = known.map(|origin| ApiOrigin::parse(origin).unwrap());
        origins.add(&known);
        origins.add(&known);
        for rest in [1, 0] {
            origins.remove(&known);
            for target in ["https://api.example.org", "https://a.example.com"] {
                let origin = Origin::parse(target).unwrap();
                assert_eq!(origins.contain(&origin), rest > 0, "{target}");
            }
        }
        // More removals than additions do no harm.
        origins.remove(&known);
        origins.add(&known);
        assert!(origins.contain(&Origin::parse("https://api.example.org").unwrap()));
    }
}
