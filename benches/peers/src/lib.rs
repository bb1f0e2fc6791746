//! Other libraries that keep a token, each behind the public API that its users have.
//!
//! Each gets its tokens from an [`Endpoint`], and attaches them as it does in its own clients. What cannot be compared fairly:
//! - google-cloud-auth has no token that is expired: a task of its own replaces it minutes before. Its storm waits for the first one.
//! - azure_core attaches to requests of a type of its own, so that it has a bare pipeline of its own to be compared with.
//! - aws-smithy's cache is measured without the client around it, with the header made as its bearer signer makes it.
//! - gcp_auth and yup-oauth2 are left out: they keep the same tokens as google-cloud-auth, which stands for them.

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
    mutex::{AsyncMutex, StdMutex},
    wait::wait,
};

use tokenkeeper_benches::Endpoint;

/// What keeps a token, in a storm. A clone is the same one.
pub trait Peer: Clone + Send + Sync + 'static {
    /// With a token that has expired, where it can have one; otherwise with none. Made inside of a runtime.
    fn expired(endpoint: Endpoint) -> impl Future<Output = Self>;

    /// Attaches a token, and says whether there was one.
    fn ask(&self) -> impl Future<Output = bool> + Send;
}
