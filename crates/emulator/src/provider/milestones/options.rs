//! What the Milestones documents leave open.

/// How the redirect URI of a request is compared with the registered one.
///
/// The document says that the registered one "must be part of" it, with further query parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RedirectRule {
    /// It begins with the registered one, and only a query follows.
    #[default]
    Prefix,
    /// It contains the registered one anywhere: the document read to the letter. An attacker's URL may.
    Substring,
}

/// How the token endpoint writes its errors, of which the documents say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ErrorFormat {
    /// As RFC 6749 §5.2 has it.
    #[default]
    Json,
    /// The same with keys that lack quotes, as the document prints the token response.
    Unquoted,
    /// An HTML page with the status 400.
    Html400,
    /// An HTML page with the status 500.
    Html500,
}

/// Options of [`Emulator::qics`](crate::Emulator::qics) and [`Emulator::fortes`](crate::Emulator::fortes).
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
    /// How redirect URIs are compared; by prefix without this.
    #[must_use]
    pub fn redirect_rule(mut self, rule: RedirectRule) -> Self {
        self.redirect_rule = rule;
        self
    }

    /// Token responses have keys without quotes, laid out as the document prints them; without this they are JSON.
    #[must_use]
    pub fn unquoted_keys(mut self) -> Self {
        self.unquoted_keys = true;
        self
    }

    /// How the token endpoint writes its errors; as RFC 6749 has it without this.
    #[must_use]
    pub fn error_format(mut self, format: ErrorFormat) -> Self {
        self.error_format = format;
        self
    }

    /// A `state` beside the redirect URI comes back; without this it is dropped, for no document mentions it.
    #[must_use]
    pub fn echo_state(mut self) -> Self {
        self.echo_state = true;
        self
    }

    /// The token endpoint ignores parameters that the document does not name; without this it refuses them.
    #[must_use]
    pub fn lenient_parameters(mut self) -> Self {
        self.lenient_parameters = true;
        self
    }
}
