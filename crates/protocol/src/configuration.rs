//! A digest that changes with the configuration.

use sha2::{Digest, Sha256};

use crate::{client::Client, dialect::ErrorRules, secret::ClientSecret};

/// Hashes each part with its length, so that no two configurations run together.
pub(crate) fn digest(client: &Client) -> [u8; 32] {
    let (dialect, registration) = (client.dialect(), client.registration());
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    };
    add("tokenkeeper configuration 1");
    add(registration.client_id());
    add(registration
        .client_secret()
        .map_or("", ClientSecret::expose));
    add(dialect.base.as_ref().map_or("", |base| base.as_str()));
    add(&dialect.authorization.endpoint.to_string());
    add(&serde_json::to_string(&dialect.token).unwrap_or_default());
    add(&dialect
        .revocation
        .as_ref()
        .map_or_else(String::new, |r| r.endpoint.to_string()));
    // What older versions do not have is left out if it is absent: an upgrade alone is no change.
    for (name, value) in registration.values() {
        add(name);
        add(value);
    }
    if let Some(site) = &dialect.site {
        add(site.as_str());
    }
    for (name, rules) in &dialect.values {
        add(name);
        add(&serde_json::to_string(rules).unwrap_or_default());
    }
    // Other texts alone change no class.
    let errors = &dialect.errors;
    if !errors.map.is_empty() || errors.code != ErrorRules::default().code {
        add("errors");
        add(&serde_json::to_string(errors).unwrap_or_default());
    }
    hash.finalize().into()
}
