use std::{
    collections::HashSet,
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, PoisonError},
};

use http::{
    Uri,
    uri::{Authority, Scheme},
};
use tokenkeeper_engine::TokenSource;
use tracing::Level;

/// How many origins are logged, so that a client that visits any number of them keeps few.
const MAX_ORIGINS: usize = 1024;

/// Hashes of the origins to which requests passed without a token.
#[derive(Debug, Default)]
pub(super) struct PassedOrigins {
    state: RandomState,
    logged: Mutex<HashSet<u64>>,
}

impl PassedOrigins {
    /// Logs the origin if it is the first request there. A request of a `source` was to get a
    /// token: a person must know that it got none.
    pub(super) fn log(&self, target: &Uri, source: Option<&dyn TokenSource>) {
        let is_logged = match source {
            Some(_) => tracing::enabled!(Level::WARN),
            None => tracing::enabled!(Level::INFO),
        };
        let Some(authority) = target.authority().filter(|_| is_logged) else {
            return;
        };
        if !self.insert(target.scheme(), authority) {
            return;
        }
        let origin = Target(target);
        match source {
            Some(source) => tracing::warn!(
                %origin,
                allowed = allowed(Some(source)),
                "a request passes without a token, which belongs to another origin; logged once \
                 per origin"
            ),
            None => tracing::info!(
                %origin,
                "a request to an origin of no provider passes without a token; logged once per \
                 origin"
            ),
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

/// The origin of a request, as it is written there.
pub(super) struct Target<'u>(pub(super) &'u Uri);

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = self.0.scheme() {
            write!(f, "{scheme}://")?;
        }
        f.write_str(self.0.authority().map_or("", Authority::as_str))
    }
}

/// Lists the origins that a source's token belongs to.
pub(super) fn allowed(source: Option<&dyn TokenSource>) -> String {
    let origins = source.map_or_else(Vec::new, TokenSource::origins);
    if origins.is_empty() {
        return "other origins".to_owned();
    }
    let origins: Vec<_> = origins.iter().map(ToString::to_string).collect();
    origins.join(", ")
}

#[cfg(test)]
mod tests {
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
        let visited = (0..2000).filter(|&number| visit(number)).count();
        assert_eq!(visited, MAX_ORIGINS);
        assert_eq!(origins.logged.lock().unwrap().len(), MAX_ORIGINS);
    }
}
