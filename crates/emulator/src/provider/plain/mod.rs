//! A provider by RFC 6749, with PKCE, revocation and introspection, and its many kinds.

mod api;
mod authorize;
mod client;
mod device;
mod error;
mod options;
mod provider;
mod redirect;
mod request;
mod resource;
mod scope;
mod token;

pub use options::{
    AnswerFormat, ApiCredential, ClientAuthentication, ExpiryUnit, ParameterPlace, PlainOptions,
    ResponseMode, Reuse, RevokedTokenPlace,
};

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
