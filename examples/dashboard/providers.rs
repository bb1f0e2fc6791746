//! The four providers, as emulators on this machine.

use std::time::Duration;

use tokenkeeper::{
    Accounts, MemoryStore,
    protocol::Registration,
    providers::{Amiqus, FortesMilestones, IOffice, QicsMilestones},
    tower::HyperTransport,
};
use tokenkeeper_emulator::{Builder, Emulator, RegisteredClient, User};

use super::BoxError;

/// A provider of the dashboard.
pub struct Provider {
    pub brand: &'static str,
    pub name: &'static str,
    /// Runs until it is dropped.
    pub emulator: Emulator,
}

/// Access tokens live for five minutes, so that a refresh can be watched.
const LIFETIME: Duration = Duration::from_secs(300);

/// Starts the emulators of Amiqus, Fortes, iOFFICE and Qics, for an application at `own`.
pub async fn start(own: &str) -> Result<[Emulator; 4], BoxError> {
    Ok([
        run(Emulator::amiqus(), own, "amiqus").await?,
        run(Emulator::fortes(), own, "fortes-milestones").await?,
        run(Emulator::ioffice(), own, "ioffice").await?,
        run(Emulator::qics(), own, "qics-milestones").await?,
    ])
}

/// Starts an emulator that knows the application at `own` and two people.
pub async fn run<O>(emulator: Builder<O>, own: &str, brand: &str) -> Result<Emulator, BoxError> {
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

/// Returns the accounts of an application at `own`, and their providers in the same order.
pub fn configure(
    own: &str,
    [amiqus, fortes, ioffice, qics]: [Emulator; 4],
) -> Result<(Accounts, Vec<Provider>), BoxError> {
    let registration = |brand: &str| {
        Registration::new("dashboard", format!("{own}/oauth/{brand}")).secret("dashboard-secret")
    };
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(Amiqus::new(registration("amiqus"))?.base(amiqus.base())?)
        .provider(FortesMilestones::new(registration("fortes-milestones"))?.base(fortes.base())?)
        .provider(IOffice::new(registration("ioffice"))?.base(ioffice.base())?)
        .provider(QicsMilestones::new(registration("qics-milestones"))?.base(qics.base())?)
        .transport(HyperTransport::new()?)
        .build()?;
    let provider = |brand, name, emulator| Provider {
        brand,
        name,
        emulator,
    };
    let providers = vec![
        provider("amiqus", "Amiqus", amiqus),
        provider("fortes-milestones", "Fortes Milestones", fortes),
        provider("ioffice", "iOFFICE", ioffice),
        provider("qics-milestones", "Qics Milestones", qics),
    ];
    Ok((accounts, providers))
}
