//! One site of iOFFICE, whose token requests carry their parameters in headers.

mod api;
mod authorize;
mod error;
mod options;
mod provider;
mod token;

pub use options::{IOfficeOptions, RejectedStatus, RevocationScope};

const LOGIN: &str = "/login.html";
const DIRECT: &str = "/external/api/oauth2/auth";
const TOKEN: &str = "/external/api/oauth2/token";
const REVOKE: &str = "/external/api/oauth2/revoke";
const TOKENINFO: &str = "/external/api/oauth2/tokeninfo";
const ME: &str = "/external/api/rest/v2/users/me";

/// The emulation of such a site.
#[derive(Debug)]
pub(crate) struct IOffice {
    options: IOfficeOptions,
}

impl IOffice {
    pub(crate) fn new(options: IOfficeOptions) -> Self {
        Self { options }
    }
}
