//! Options for what the Milestones documents leave open.

/// The comparison of a request's redirect URI with the registered one.
///
/// The document says that the registered one "must be part of" it, with further query parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RedirectRule {
    /// It begins with the registered one, followed at most by a query.
    #[default]
    Prefix,
    /// It contains the registered one anywhere, as the document literally says.
    ///
    /// An attacker's URL can satisfy this.
    Substring,
}

/// The format of the token endpoint's errors, of which the documents say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ErrorFormat {
    /// The JSON of RFC 6749 §5.2.
    #[default]
    Json,
    /// The same with unquoted keys, as the document prints the token response.
    Unquoted,
    /// An HTML page with the status 400.
    Html400,
    /// An HTML page with the status 500.
    Html500,
}

/// Options of [`Emulator::qics`](crate::Emulator::qics) and
/// [`Emulator::fortes`](crate::Emulator::fortes).
///
/// ```
/// use tokenkeeper_emulator::{Emulator, MilestonesOptions};
///
/// let builder = Emulator::qics().options(MilestonesOptions::default().unquoted_keys());
/// # drop(builder);
/// ```
#[derive(Debug, Clone, Default)]
pub struct MilestonesOptions {
    pub(super) redirect_rule: RedirectRule,
    pub(super) unquoted_keys: bool,
    pub(super) error_format: ErrorFormat,
    pub(super) echo_state: bool,
    pub(super) lenient_parameters: bool,
}

impl MilestonesOptions {
    /// Sets how redirect URIs are compared. Default: by prefix.
    #[must_use]
    pub fn redirect_rule(mut self, rule: RedirectRule) -> Self {
        self.redirect_rule = rule;
        self
    }

    /// Writes token responses with unquoted keys, as the document prints them, instead of JSON.
    #[must_use]
    pub fn unquoted_keys(mut self) -> Self {
        self.unquoted_keys = true;
        self
    }

    /// Sets the format of the token endpoint's errors. Default: that of RFC 6749.
    #[must_use]
    pub fn error_format(mut self, format: ErrorFormat) -> Self {
        self.error_format = format;
        self
    }

    /// Returns a top-level `state`, which is dropped by default because no document mentions it.
    #[must_use]
    pub fn echo_state(mut self) -> Self {
        self.echo_state = true;
        self
    }

    /// Ignores parameters that the document does not name; by default they are refused, except for
    /// PKCE's, which RFC 6749 §3.2 lets a client send.
    #[must_use]
    pub fn lenient_parameters(mut self) -> Self {
        self.lenient_parameters = true;
        self
    }
}
