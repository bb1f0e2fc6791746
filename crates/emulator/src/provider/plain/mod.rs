//! A provider by RFC 6749, with PKCE, revocation and introspection.

mod api;
mod authorize;
mod client;
mod error;
mod options;
mod provider;
mod token;

pub use options::{ClientAuthentication, PlainOptions, Reuse};

const AUTHORIZE: &str = "/authorize";
const TOKEN: &str = "/token";
const REVOKE: &str = "/revoke";
const INTROSPECT: &str = "/introspect";
const ME: &str = "/api/me";

/// The emulation of such a provider.
#[derive(Debug)]
pub(crate) struct Plain {
    options: PlainOptions,
}

impl Plain {
    pub(crate) fn new(options: PlainOptions) -> Self {
        Self { options }
    }
}
