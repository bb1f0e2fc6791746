//! Revocation.

use super::PlainOptions;

/// The place of the token in a revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevokedTokenPlace {
    /// A form field of this name, with client authentication (RFC 7009 §2.1).
    Form(String),
    /// A member of this name of a JSON object, with client authentication (Notion).
    Json(String),
    /// `Authorization: Bearer`, with nothing else: an access token revokes itself (Dropbox).
    Bearer,
}

impl Default for RevokedTokenPlace {
    fn default() -> Self {
        Self::Form("token".to_owned())
    }
}

/// Revocation.
impl PlainOptions {
    /// Sets where a revocation has its token. Default: the form field `token`.
    #[must_use]
    pub fn revoked_token(mut self, place: RevokedTokenPlace) -> Self {
        self.revoked_token = place;
        self
    }
}
