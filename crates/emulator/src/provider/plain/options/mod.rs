//! Options for what RFC 6749 leaves open, and for how providers differ from it.

mod answers;
mod api;
mod client;
mod device;
mod errors;
mod redirects;
mod requests;
mod revocation;
mod rotation;

pub use answers::{AnswerFormat, ExpiryUnit};
pub use api::ApiCredential;
pub use client::ClientAuthentication;
pub use redirects::ResponseMode;
pub use requests::ParameterPlace;
pub use revocation::RevokedTokenPlace;
pub use rotation::Reuse;

pub(crate) use redirects::RedirectOptions;
pub(crate) use requests::RequestOptions;

use answers::AnswerOptions;
use api::ApiOptions;
use client::ClientOptions;
use device::DeviceOptions;
use errors::ErrorOptions;
use rotation::RotationOptions;

/// Options of [`Emulator::plain`](crate::Emulator::plain).
///
/// The defaults are what RFC 6749 and its companions say. Each option makes the provider one of a
/// kind that exists, and as strict as that kind is: what it would refuse is refused.
///
/// ```
/// use tokenkeeper_emulator::{Emulator, ParameterPlace, PlainOptions, Reuse};
///
/// // Tokens under `data`, JSON requests, numeric errors with the status 200, reuse detection.
/// let options = PlainOptions::default()
///     .token_parameters(ParameterPlace::Json)
///     .tokens_at("data")
///     .errors_in_200()
///     .error_at("code")
///     .error_code("invalid_grant", 40_105)
///     .reuse(Reuse::RevokeFamily);
/// let builder = Emulator::plain().options(options);
/// # drop(builder);
/// ```
#[derive(Debug, Clone, Default)]
pub struct PlainOptions {
    pub(super) requests: RequestOptions,
    pub(super) client: ClientOptions,
    pub(super) redirects: RedirectOptions,
    pub(super) answers: AnswerOptions,
    pub(super) errors: ErrorOptions,
    pub(super) rotation: RotationOptions,
    pub(super) api: ApiOptions,
    pub(super) device: DeviceOptions,
    pub(super) revoked_token: RevokedTokenPlace,
}

/// A name and the value that belongs to it.
type Named<T> = Vec<(String, T)>;

/// Returns the value of the last entry with this name, so that a later setter wins.
fn last<'a, T>(entries: &'a Named<T>, name: &str) -> Option<&'a T> {
    let mut found = entries.iter().rev().filter(|(key, _)| key == name);
    found.next().map(|(_, value)| value)
}
