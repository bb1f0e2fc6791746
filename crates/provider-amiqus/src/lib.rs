#![doc = include_str!("../README.md")]

use tokenkeeper_protocol::{Dialect, Error, Pkce, adapter};

adapter! {
    /// Amiqus, at `https://id.amiqus.co` by default.
    ///
    /// It authenticates applications by their secret and has no scopes. The
    /// [page of the crate](crate) lists what is documented and what is inferred.
    pub struct Amiqus = dialect();
}

impl Amiqus {
    /// Switches off PKCE, which Amiqus does not document.
    ///
    /// # Errors
    /// None at present; the dialect is checked again.
    pub fn without_pkce(self) -> Result<Self, Error> {
        self.adjust(|dialect| dialect.authorization.pkce = Pkce::Off)
    }
}

/// Returns the dialect of Amiqus, as a base for a changed one.
///
/// # Errors
/// None: the text is part of this crate, and its tests read it.
pub fn dialect() -> Result<Dialect, Error> {
    Dialect::from_toml(include_str!("dialect.toml"))
}
