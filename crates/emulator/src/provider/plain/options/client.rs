//! How the client authenticates.

use super::PlainOptions;

/// The place of a client's secret (RFC 6749 §2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// [`Basic`](Self::Basic) or [`Body`](Self::Body), but not both.
    #[default]
    Any,
    /// `Authorization: Basic`, with form-encoded parts.
    Basic,
    /// `Authorization: Basic`, whose parts are not decoded, as many servers read it (doorkeeper).
    BasicUnencoded,
    /// `Authorization: Basic` with the secret as the user name and an empty password (Stripe).
    BasicSecretOnly,
    /// The parameters `client_id` and `client_secret`.
    Body,
    /// The parameter `client_id` alone: a request that authenticates the client is refused.
    None,
}

/// How the client authenticates, in general and at a refresh.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClientOptions {
    general: ClientAuthentication,
    refresh: Option<ClientAuthentication>,
}

impl ClientOptions {
    /// Returns the method for a code, a revocation and an introspection.
    pub(crate) fn general(&self) -> ClientAuthentication {
        self.general
    }

    pub(crate) fn refresh(&self) -> ClientAuthentication {
        self.refresh.unwrap_or(self.general)
    }
}

/// Client authentication.
impl PlainOptions {
    /// Sets where a secret is accepted. Default: [`ClientAuthentication::Any`].
    #[must_use]
    pub fn client_authentication(mut self, place: ClientAuthentication) -> Self {
        self.client.general = place;
        self
    }

    /// Sets where a secret is accepted at a refresh. Default: as elsewhere.
    #[must_use]
    pub fn refresh_client_authentication(mut self, place: ClientAuthentication) -> Self {
        self.client.refresh = Some(place);
        self
    }
}
