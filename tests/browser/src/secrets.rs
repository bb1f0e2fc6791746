//! What must stay between the application and the providers.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use percent_encoding::percent_decode_str;

use crate::log;

/// The names of parameters and headers that carry a secret.
const NAMES: [&str; 10] = [
    "access_token",
    "authorization",
    "client_secret",
    "code",
    "code_verifier",
    "refresh_token",
    "x-access-token",
    "x-auth-code",
    "x-code-verifier",
    "x-refresh-token",
];

/// Tokens, codes and secrets, with the name of the parameter that carried each.
#[derive(Debug)]
pub struct Secrets(BTreeMap<String, &'static str>);

impl Secrets {
    /// Finds the secrets of requests.
    pub(crate) fn of(requests: impl Iterator<Item = Request<Bytes>>) -> Self {
        let mut secrets = BTreeMap::new();
        for request in requests {
            let query = request.uri().query().unwrap_or_default().as_bytes();
            let parameters = form_urlencoded::parse(query);
            for (name, value) in parameters.chain(form_urlencoded::parse(request.body())) {
                insert(&mut secrets, &name, &value);
            }
            for (name, value) in request.headers() {
                let value = value.to_str().unwrap_or_default();
                // The credentials after the scheme.
                let credentials = value.rsplit(' ').next().unwrap_or_default();
                insert(&mut secrets, name.as_str(), credentials);
            }
        }
        Self(secrets)
    }

    /// Adds the secrets of another application.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Returns how many secrets this parameter has carried.
    pub fn count(&self, name: &str) -> usize {
        self.0.values().filter(|carrier| **carrier == name).count()
    }

    /// Fails if a text holds a secret, percent-encoded or not.
    #[track_caller]
    pub fn assert_absent_from(&self, place: &str, text: &str) {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        for (secret, name) in &self.0 {
            let is_present = text.contains(secret) || decoded.contains(secret);
            assert!(!is_present, "{place} holds `{name}`: {secret} in {text}");
        }
    }

    /// Fails if the application's log holds a secret.
    #[track_caller]
    pub fn assert_absent_from_log(&self) {
        let log = log::text();
        assert!(log.contains(" INFO "), "nothing was logged: {log}");
        self.assert_absent_from("the log", &log);
    }
}

fn insert(secrets: &mut BTreeMap<String, &'static str>, name: &str, value: &str) {
    let known = NAMES.iter().find(|known| **known == name);
    if let Some(name) = known.filter(|_| !value.is_empty()) {
        secrets.insert(value.to_owned(), name);
    }
}
