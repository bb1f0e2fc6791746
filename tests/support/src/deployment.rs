//! The parts of a simulated deployment: providers, clocks and an emulator in process.

use std::time::Duration;

use tokenkeeper_emulator::{
    Builder, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, Emulator,
};
use tokenkeeper_engine::{
    TestClock,
    protocol::{Client, Dialect, Registration, SitePolicy},
};
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_provider_fortes_milestones::FortesMilestones;
use tokenkeeper_provider_ioffice::IOffice;
use tokenkeeper_provider_qics_milestones::QicsMilestones;

/// The base URL of the emulator, which listens on no socket.
pub const BASE: &str = "http://127.0.0.1:9";
pub const HOUR: Duration = Duration::from_secs(3600);
pub const MINUTE: Duration = Duration::from_secs(60);
pub const SECOND: Duration = Duration::from_secs(1);
/// The default lease.
pub const LEASE: Duration = Duration::from_secs(20);

pub const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn new_clock() -> TestClock {
    TestClock::starting_at(std::time::UNIX_EPOCH + Duration::from_secs(1_800_000_000))
}

/// Builds an emulator that is called in process and runs on the clock of the test.
pub fn in_process<O>(emulator: Builder<O>, clock: &TestClock) -> Emulator {
    use tokenkeeper_engine::Clock as _;
    let clock = clock.clone();
    emulator
        .base_url(BASE)
        .clock(move || clock.wall())
        .in_process()
}

/// A provider that follows RFC 6749 and RFC 7009, with a changed dialect.
pub fn plain(change: impl FnOnce(&mut Dialect)) -> Client {
    let mut dialect = Dialect::rfc6749("plain", BASE).unwrap();
    change(&mut dialect);
    dialect.with(registration()).unwrap()
}

pub fn registration() -> Registration {
    Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI).secret(DEFAULT_CLIENT_SECRET)
}

pub fn amiqus() -> Amiqus {
    Amiqus::new(registration()).unwrap().base(BASE).unwrap()
}

pub fn qics() -> QicsMilestones {
    let qics = QicsMilestones::new(registration()).unwrap();
    qics.base(BASE).unwrap()
}

pub fn fortes() -> FortesMilestones {
    let fortes = FortesMilestones::new(registration()).unwrap();
    fortes.base(BASE).unwrap()
}

pub fn ioffice() -> IOffice {
    let registration = Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI);
    let sites = SitePolicy::only([BASE]).unwrap().allow_loopback();
    IOffice::new(registration).unwrap().sites(sites)
}
