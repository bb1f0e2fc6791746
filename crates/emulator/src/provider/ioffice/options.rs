//! What the iOFFICE document leaves open.

/// How the API rejects an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RejectedStatus {
    /// 403 where the token has expired or was replaced, else 401: so the vendor's own client reads them.
    #[default]
    Vendor,
    /// 401 always, as RFC 6750 has it.
    Rfc6750,
}

/// What a revocation ends. The document does not say; this is the emulator's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RevocationScope {
    /// The token that was sent, access or refresh.
    #[default]
    Token,
    /// Both tokens, and what was issued with them.
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
    pub(super) app_code: Option<String>,
    pub(super) seconds: bool,
    pub(super) old_tokens_live: bool,
    pub(super) rejected_status: RejectedStatus,
    pub(super) revoke_by_post: bool,
    pub(super) revocation_scope: RevocationScope,
    pub(super) snake_case_errors: bool,
}

impl IOfficeOptions {
    /// The redirect's fragment carries `state`; without this it does not, for the document shows none.
    #[must_use]
    pub fn echo_state(mut self) -> Self {
        self.echo_state = true;
        self
    }

    /// The `appCode` of the redirect; made up without this.
    #[must_use]
    pub fn app_code(mut self, value: impl Into<String>) -> Self {
        self.app_code = Some(value.into());
        self
    }

    /// `expires_in` is in seconds; without this in milliseconds, as the document says.
    #[must_use]
    pub fn seconds(mut self) -> Self {
        self.seconds = true;
        self
    }

    /// The old tokens stay alive at a refresh; without this they end. The document does not say.
    #[must_use]
    pub fn old_tokens_live(mut self) -> Self {
        self.old_tokens_live = true;
        self
    }

    /// How the API rejects an access token.
    #[must_use]
    pub fn rejected_status(mut self, status: RejectedStatus) -> Self {
        self.rejected_status = status;
        self
    }

    /// Revocation by POST; without this by GET.
    #[must_use]
    pub fn revoke_by_post(mut self) -> Self {
        self.revoke_by_post = true;
        self
    }

    /// What a revocation ends.
    #[must_use]
    pub fn revocation_scope(mut self, scope: RevocationScope) -> Self {
        self.revocation_scope = scope;
        self
    }

    /// Errors have `error_description`; without this `errorDescription`.
    #[must_use]
    pub fn snake_case_errors(mut self) -> Self {
        self.snake_case_errors = true;
        self
    }
}
