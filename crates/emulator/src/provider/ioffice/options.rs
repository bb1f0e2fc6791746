//! Options for what the iOFFICE document leaves open.

/// The status with which the API rejects an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RejectedStatus {
    /// 403 if the token has expired or was replaced, otherwise 401: the vendor client's reading.
    #[default]
    Vendor,
    /// Always 401, as in RFC 6750.
    Rfc6750,
}

/// The effect of a revocation, which the document leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RevocationScope {
    /// It ends the sent token, access or refresh.
    #[default]
    Token,
    /// It ends the whole grant of the sent token.
    Grant,
}

/// Options of [`Emulator::ioffice`](crate::Emulator::ioffice).
///
/// ```
/// use tokenkeeper_emulator::{Emulator, IOfficeOptions};
///
/// let builder = Emulator::ioffice().options(IOfficeOptions::default().echo_state());
/// # drop(builder);
/// ```
#[derive(Debug, Clone, Default)]
pub struct IOfficeOptions {
    pub(super) echo_state: bool,
    pub(super) checks_pkce: bool,
    pub(super) app_code: Option<String>,
    pub(super) seconds: bool,
    pub(super) old_tokens_live: bool,
    pub(super) rejected_status: RejectedStatus,
    pub(super) revoke_by_post: bool,
    pub(super) revocation_scope: RevocationScope,
    pub(super) snake_case_errors: bool,
}

impl IOfficeOptions {
    /// Adds `state` to the redirect's fragment; by default it is absent, as in the document.
    #[must_use]
    pub fn echo_state(mut self) -> Self {
        self.echo_state = true;
        self
    }

    /// Keeps a code challenge and requires its verifier in the header `x-code-verifier`, like a
    /// server that takes PKCE.
    ///
    /// By default both are ignored, since the document does not mention them.
    #[must_use]
    pub fn check_pkce(mut self) -> Self {
        self.checks_pkce = true;
        self
    }

    /// Sets the `appCode` of the redirect. Default: a random one.
    #[must_use]
    pub fn app_code(mut self, value: impl Into<String>) -> Self {
        self.app_code = Some(value.into());
        self
    }

    /// Writes `expires_in` in seconds instead of the document's milliseconds.
    #[must_use]
    pub fn seconds(mut self) -> Self {
        self.seconds = true;
        self
    }

    /// Keeps the old tokens valid at a refresh; by default it invalidates them.
    ///
    /// The document leaves it open.
    #[must_use]
    pub fn old_tokens_live(mut self) -> Self {
        self.old_tokens_live = true;
        self
    }

    /// Sets the status with which the API rejects an access token.
    #[must_use]
    pub fn rejected_status(mut self, status: RejectedStatus) -> Self {
        self.rejected_status = status;
        self
    }

    /// Accepts revocations by POST instead of GET.
    #[must_use]
    pub fn revoke_by_post(mut self) -> Self {
        self.revoke_by_post = true;
        self
    }

    /// Sets the effect of a revocation.
    #[must_use]
    pub fn revocation_scope(mut self, scope: RevocationScope) -> Self {
        self.revocation_scope = scope;
        self
    }

    /// Names the description of errors `error_description` instead of `errorDescription`.
    #[must_use]
    pub fn snake_case_errors(mut self) -> Self {
        self.snake_case_errors = true;
        self
    }
}
