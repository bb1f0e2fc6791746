//! The providers of the demo.

use std::time::Duration;

use tokenkeeper::{
    AccountsBuilder,
    clock::Clock as _,
    protocol::{Error, Registration},
    providers::{Amiqus, FortesMilestones, IOffice, QicsMilestones},
    testing::TestClock,
};
use tokenkeeper_emulator::{
    Builder, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, Emulator,
};

/// A provider of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    QicsMilestones,
    FortesMilestones,
    Amiqus,
    IOffice,
}

/// The lifetime of access tokens in the demo. Amiqus' live for a year, like its refresh tokens.
pub(crate) const LIFETIME: Duration = Duration::from_secs(3600);

impl Provider {
    pub(crate) const ALL: [Self; 4] = [
        Self::QicsMilestones,
        Self::FortesMilestones,
        Self::Amiqus,
        Self::IOffice,
    ];

    pub(crate) fn brand(self) -> &'static str {
        match self {
            Self::QicsMilestones => "qics-milestones",
            Self::FortesMilestones => "fortes-milestones",
            Self::Amiqus => "amiqus",
            Self::IOffice => "ioffice",
        }
    }

    /// Returns whether the provider has a revocation endpoint.
    pub(crate) fn revokes(self) -> bool {
        self == Self::IOffice
    }

    /// Returns the status of its API for an expired token.
    pub(crate) fn expired_status(self) -> u16 {
        if self == Self::IOffice { 403 } else { 401 }
    }

    /// Starts its emulator on a free port, with the engine's clock.
    pub(crate) async fn start(
        self,
        clock: &TestClock,
    ) -> Result<Emulator, tokenkeeper_emulator::Error> {
        match self {
            Self::QicsMilestones => start(Emulator::qics(), clock).await,
            Self::FortesMilestones => start(Emulator::fortes(), clock).await,
            Self::Amiqus => start(Emulator::amiqus(), clock).await,
            // The step `revoke` inspects the requests.
            Self::IOffice => start(Emulator::ioffice().record_requests(), clock).await,
        }
    }

    /// Adds the provider, with the emulator at `base`.
    pub(crate) fn add(
        self,
        accounts: AccountsBuilder,
        base: &str,
    ) -> Result<AccountsBuilder, Error> {
        let client = Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI);
        let secret = client.clone().secret(DEFAULT_CLIENT_SECRET);
        Ok(match self {
            Self::QicsMilestones => accounts.provider(QicsMilestones::new(secret)?.base(base)?),
            Self::FortesMilestones => accounts.provider(FortesMilestones::new(secret)?.base(base)?),
            Self::Amiqus => accounts.provider(Amiqus::new(secret)?.base(base)?),
            Self::IOffice => accounts.provider(IOffice::new(client)?.base(base)?),
        })
    }
}

async fn start<O>(
    emulator: Builder<O>,
    clock: &TestClock,
) -> Result<Emulator, tokenkeeper_emulator::Error> {
    let clock = clock.clone();
    let emulator = emulator.clock(move || clock.wall());
    emulator.access_token_lifetime(LIFETIME).start().await
}
