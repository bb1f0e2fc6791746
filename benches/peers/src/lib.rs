//! Other libraries that keep a token, each behind its public API.
//!
//! Each gets its tokens from an [`Endpoint`], and attaches them as its own client does. Limits of
//! the comparison:
//! - google-cloud-auth never has an expired token: its background task replaces the token minutes
//!   earlier. Its storm waits for the first token.
//! - azure_core attaches to its own request type, and is compared with its own bare pipeline.
//! - aws-smithy's cache is measured without the client around it; the header is made as its bearer
//!   signer makes it.
//! - gcp_auth and yup-oauth2 are left out: they keep the same tokens as google-cloud-auth.

mod aws;
mod azure;
mod google;
mod moka;
mod mutex;
mod wait;

pub use self::{
    aws::Aws,
    azure::{Azure, azure_request},
    google::Google,
    moka::Moka,
    mutex::StdMutex,
    wait::wait,
};

pub use tokenkeeper_benches::AsyncMutex;
use tokenkeeper_benches::Endpoint;

/// A library that keeps a token, in a storm. Clones share the token.
pub trait Peer: Clone + Send + Sync + 'static {
    /// Creates a peer with an expired token, or without a token if it cannot have an expired one.
    ///
    /// Called within a runtime.
    fn expired(endpoint: Endpoint) -> impl Future<Output = Self>;

    /// Sends a request with a token; returns whether there was a token.
    fn send(&self) -> impl Future<Output = bool> + Send;
}
