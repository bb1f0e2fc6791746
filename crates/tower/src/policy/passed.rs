use std::{
    collections::HashSet,
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, PoisonError},
};

use http::uri::{Authority, Scheme};

/// How many origins are logged, so that a client that visits any number of them keeps few.
const MAX_ORIGINS: usize = 1024;

/// Hashes of the origins to which requests passed without a token.
#[derive(Debug, Default)]
pub(super) struct PassedOrigins {
    state: RandomState,
    logged: Mutex<HashSet<u64>>,
}

impl PassedOrigins {
    /// Logs the origin if it is the first request there.
    pub(super) fn log(&self, scheme: Option<&Scheme>, authority: &Authority) {
        if tracing::enabled!(tracing::Level::INFO) && self.insert(scheme, authority) {
            let scheme = scheme.map_or("", Scheme::as_str);
            tracing::info!(
                origin = %format_args!("{scheme}://{authority}"),
                "a request to another origin passes without a token; logged once per origin"
            );
        }
    }

    /// Returns whether the origin is new.
    fn insert(&self, scheme: Option<&Scheme>, authority: &Authority) -> bool {
        let default_port = if scheme == Some(&Scheme::HTTP) {
            80
        } else {
            443
        };
        let port = authority.port_u16().unwrap_or(default_port);
        let host = authority.host().to_ascii_lowercase();
        let origin = self.state.hash_one((scheme, host, port));
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        logged.len() < MAX_ORIGINS && logged.insert(origin)
    }
}

#[cfg(test)]
mod tests {
    use http::Uri;

    use super::*;

    fn insert(origins: &PassedOrigins, uri: &str) -> bool {
        let uri: Uri = uri.parse().unwrap();
        origins.insert(uri.scheme(), uri.authority().unwrap())
    }

    #[test]
    fn each_origin_is_logged_once() {
        let origins = PassedOrigins::default();
        for (uri, is_new) in [
            ("https://a.example/1", true),
            ("https://a.example/2", false),
            ("https://A.example:443", false),
            ("https://a.example:8443", true),
            ("http://a.example", true),
            ("http://a.example:80", false),
            ("https://b.example", true),
        ] {
            assert_eq!(insert(&origins, uri), is_new, "{uri}");
        }
    }

    #[test]
    fn the_number_of_logged_origins_is_bounded() {
        let origins = PassedOrigins::default();
        let visit = |number| insert(&origins, &format!("https://{number}.example"));
        assert_eq!(
            (0..2000).filter(|number| visit(*number)).count(),
            MAX_ORIGINS
        );
    }
}
