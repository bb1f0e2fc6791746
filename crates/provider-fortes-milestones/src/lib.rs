#![doc = include_str!("../README.md")]

use tokenkeeper_protocol::{
    AuthorizationParameter, Client, Dialect, Error, Provider, Registration, StatePlace,
};

/// FortesMilestones. The crate's page says what is documented and what is inferred.
#[derive(Clone, Debug)]
pub struct FortesMilestones {
    client: Client,
}

impl FortesMilestones {
    /// FortesMilestones at `https://qicsmilestones.qics.nl`, the host that its own document prints (that of QicsMilestones), with an application that was registered
    /// there.
    ///
    /// # Errors
    /// [`Error::SecretMissing`]: FortesMilestones authenticates applications by their secret. [`Error::Scope`]: it documents no scopes.
    /// [`Error::RedirectUri`] where the redirect URI's query has a `flow`, which is where the state travels.
    pub fn new(registration: Registration) -> Result<Self, Error> {
        let client = dialect()?.with(registration)?;
        Ok(Self { client })
    }

    /// At another origin: an installation of one's own or an emulator.
    ///
    /// # Errors
    /// [`Error::Origin`].
    pub fn base(mut self, origin: &str) -> Result<Self, Error> {
        self.client = self.client.base(origin)?;
        Ok(self)
    }

    /// With the state as the top-level parameter `state` too, which is not documented. What binds the redirect to its flow is still
    /// the redirect URI's `flow`; a `state` that comes back has to match.
    ///
    /// # Errors
    /// None at present; the dialect is checked anew.
    pub fn top_level_state(mut self) -> Result<Self, Error> {
        self.client = self.client.adjust(|dialect| {
            let rules = &mut dialect.authorization;
            rules.state = StatePlace::Both("flow".to_owned());
            if !rules.parameters.contains(&AuthorizationParameter::State) {
                rules.parameters.push(AuthorizationParameter::State);
            }
        })?;
        Ok(self)
    }
}

impl Provider for FortesMilestones {
    fn client(&self) -> &Client {
        &self.client
    }
}

/// The dialect of FortesMilestones, for whoever wants to change it.
///
/// # Errors
/// None: the text is part of this crate, and its tests read it.
pub fn dialect() -> Result<Dialect, Error> {
    Dialect::from_toml(include_str!("dialect.toml"))
}
