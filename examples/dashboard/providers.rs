//! The four providers, as emulators on this machine.

use std::time::Duration;

use tokenkeeper::{
    Accounts, MemoryStore,
    protocol::Registration,
    providers::{Amiqus, FortesMilestones, IOffice, QicsMilestones},
    tower::HyperTransport,
};
use tokenkeeper_emulator::{Builder, Emulator, Endpoint, RegisteredClient, User};

use crate::BoxError;

/// A provider of the dashboard.
pub struct Provider {
    pub brand: &'static str,
    pub name: &'static str,
    /// The URL of the API call that the dashboard makes.
    pub api: String,
    /// Runs until it is dropped.
    _emulator: Emulator,
}

/// Access tokens live for five minutes, so that a refresh can be watched.
const LIFETIME: Duration = Duration::from_secs(300);

/// Starts the providers, and returns the accounts of an application at `own` with them.
pub async fn start(own: &str) -> Result<(Accounts, Vec<Provider>), BoxError> {
    let registration = |brand: &str| {
        Registration::new("dashboard", format!("{own}/oauth/{brand}")).secret("dashboard-secret")
    };
    let amiqus = run(Emulator::amiqus(), own, "amiqus").await?;
    let fortes = run(Emulator::fortes(), own, "fortes-milestones").await?;
    let ioffice = run(Emulator::ioffice(), own, "ioffice").await?;
    let qics = run(Emulator::qics(), own, "qics-milestones").await?;
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(Amiqus::new(registration("amiqus"))?.base(amiqus.base())?)
        .provider(FortesMilestones::new(registration("fortes-milestones"))?.base(fortes.base())?)
        .provider(IOffice::new(registration("ioffice"))?.base(ioffice.base())?)
        .provider(QicsMilestones::new(registration("qics-milestones"))?.base(qics.base())?)
        .transport(HyperTransport::new()?)
        .build()?;
    let providers = [
        ("amiqus", "Amiqus", amiqus),
        ("fortes-milestones", "Fortes Milestones", fortes),
        ("ioffice", "iOFFICE", ioffice),
        ("qics-milestones", "Qics Milestones", qics),
    ];
    let providers = providers.into_iter().map(|(brand, name, emulator)| {
        Ok(Provider {
            brand,
            name,
            api: emulator.url(Endpoint::Api).ok_or("no API")?,
            _emulator: emulator,
        })
    });
    Ok((accounts, providers.collect::<Result<_, BoxError>>()?))
}

async fn run<O>(emulator: Builder<O>, own: &str, brand: &str) -> Result<Emulator, BoxError> {
    let client = RegisteredClient::new("dashboard")
        .secret("dashboard-secret")
        .redirect_uri(format!("{own}/oauth/{brand}"));
    Ok(emulator
        .client(client)
        .user(User::new("ann@example.com").name("Ann"))
        .user(User::new("bob@example.com").name("Bob"))
        .access_token_lifetime(LIFETIME)
        .start()
        .await?)
}
