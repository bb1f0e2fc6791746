#![doc = include_str!("../README.md")]

use tokenkeeper_protocol::{Client, Dialect, Error, Pkce, Provider, Registration};

/// Amiqus. The crate's page says what is documented and what is inferred.
#[derive(Clone, Debug)]
pub struct Amiqus {
    client: Client,
}

impl Amiqus {
    /// Amiqus at `https://id.amiqus.co`, with an application that was registered there.
    ///
    /// # Errors
    /// [`Error::SecretMissing`]: Amiqus authenticates applications by their secret. [`Error::Scope`]: it knows no scopes.
    pub fn new(registration: Registration) -> Result<Self, Error> {
        let client = dialect()?.with(registration)?;
        Ok(Self { client })
    }

    /// At another origin: a sandbox or an emulator.
    ///
    /// # Errors
    /// [`Error::Origin`].
    pub fn base(mut self, origin: &str) -> Result<Self, Error> {
        self.client = self.client.base(origin)?;
        Ok(self)
    }

    /// With PKCE (`S256`). Amiqus does not document it; the framework on which it runs takes it.
    ///
    /// # Errors
    /// None at present; the dialect is checked anew.
    pub fn pkce(mut self) -> Result<Self, Error> {
        let on = |dialect: &mut Dialect| dialect.authorization.pkce = Pkce::S256;
        self.client = self.client.adjust(on)?;
        Ok(self)
    }
}

impl Provider for Amiqus {
    fn client(&self) -> &Client {
        &self.client
    }
}

/// The dialect of Amiqus, for whoever wants to change it.
///
/// # Errors
/// None: the text is part of this crate, and its tests read it.
pub fn dialect() -> Result<Dialect, Error> {
    Dialect::from_toml(include_str!("dialect.toml"))
}
