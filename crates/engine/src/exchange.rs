//! The pending code exchange of a login.

use tokenkeeper_protocol::{AuthorizationCode, CodeVerifier, Grant};

/// An authorization code and the parameters that the token request presents with it.
pub(crate) struct Exchange {
    pub(crate) code: AuthorizationCode,
    pub(crate) verifier: Option<CodeVerifier>,
    pub(crate) redirect_uri: String,
    pub(crate) scope: Option<String>,
    /// The redirect's further parameters, which become login data.
    pub(crate) redirect: Vec<(String, String)>,
}

impl Exchange {
    pub(crate) fn grant(&self) -> Grant<'_> {
        Grant::AuthorizationCode {
            code: &self.code,
            redirect_uri: &self.redirect_uri,
            scope: self.scope.as_deref(),
            code_verifier: self.verifier.as_ref(),
        }
    }
}
