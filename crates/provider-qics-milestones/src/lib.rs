#![doc = include_str!("../README.md")]

use tokenkeeper_protocol::{Dialect, Error, Pkce, adapter};

adapter! {
    /// QicsMilestones, at `https://qicsmilestones.qics.nl` by default.
    ///
    /// It authenticates applications by their secret and documents no scopes. The redirect URI's
    /// query must not hold a `flow`, which is where the state travels. The
    /// [page of the crate](crate) lists what is documented and what is inferred.
    pub struct QicsMilestones = dialect();
}

impl QicsMilestones {
    /// Switches off PKCE, which the document does not mention.
    ///
    /// # Errors
    /// None at present; the dialect is checked again.
    pub fn without_pkce(self) -> Result<Self, Error> {
        self.adjust(|dialect| dialect.authorization.pkce = Pkce::Off)
    }

    /// Sends the state as the undocumented parameter `state` too.
    ///
    /// The redirect URI's `flow` still binds the redirect to its flow; a `state` that comes back
    /// must match.
    ///
    /// # Errors
    /// None at present; the dialect is checked again.
    pub fn top_level_state(self) -> Result<Self, Error> {
        self.adjust(|dialect| dialect.authorization.send_top_level_state())
    }
}

/// Returns the dialect of QicsMilestones, as a base for a changed one.
///
/// # Errors
/// None: the text is part of this crate, and its tests read it.
pub fn dialect() -> Result<Dialect, Error> {
    Dialect::from_toml(include_str!("dialect.toml"))
}
