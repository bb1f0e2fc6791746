#![doc = include_str!("../README.md")]

use tokenkeeper_protocol::{Dialect, Error, Pkce, adapter};

adapter! {
    /// FortesMilestones, by default at the host that its own document prints.
    ///
    /// That host is `https://qicsmilestones.qics.nl`, of QicsMilestones. It authenticates
    /// applications by their secret and documents no scopes. The redirect URI's query must not hold
    /// a `flow`, which is where the state travels. The [page of the crate](crate) lists what is
    /// documented and what is inferred.
    pub struct FortesMilestones = dialect();
}

impl FortesMilestones {
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

/// Returns the dialect of FortesMilestones: that of QicsMilestones under its own brand.
///
/// # Errors
/// None: the text is part of the crate of QicsMilestones, and its tests read it.
pub fn dialect() -> Result<Dialect, Error> {
    let mut dialect = tokenkeeper_provider_qics_milestones::dialect()?;
    dialect.brand = "fortes-milestones".to_owned();
    Ok(dialect)
}
