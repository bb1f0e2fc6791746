//! The pending code exchange of a login.

use tokenkeeper_protocol::{AuthorizationCode, CodeVerifier, DeviceCode, Grant};

/// The code of a login, and the parameters that the token request presents with it.
pub(crate) struct Exchange {
    pub(crate) code: LoginCode,
    pub(crate) redirect_uri: String,
    pub(crate) scope: Option<String>,
    /// The redirect's further parameters, which become login data.
    pub(crate) redirect: Vec<(String, String)>,
}

/// What a login presents for its first tokens.
pub(crate) enum LoginCode {
    /// The code of a redirect, with the verifier of its flow.
    Authorization(AuthorizationCode, Option<CodeVerifier>),
    Device(DeviceCode),
}

impl Exchange {
    /// Returns whether it is a device code, which is presented until the person has decided.
    pub(crate) fn polls(&self) -> bool {
        matches!(self.code, LoginCode::Device(_))
    }

    pub(crate) fn grant(&self) -> Grant<'_> {
        match &self.code {
            LoginCode::Authorization(code, verifier) => Grant::AuthorizationCode {
                code,
                redirect_uri: &self.redirect_uri,
                scope: self.scope.as_deref(),
                code_verifier: verifier.as_ref(),
            },
            LoginCode::Device(device_code) => Grant::DeviceCode { device_code },
        }
    }
}
