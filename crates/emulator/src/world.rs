//! The state that all handlers of a provider share: clients, users, ledger and clock.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::clock::ShiftedClock;
use crate::device::Devices;
use crate::ledger::{Code, Grant, GrantId, Ledger, Pair};
use crate::params::Params;
use crate::registration::{RegisteredClient, User};

/// Lifetimes; `None` means without an end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetimes {
    pub(crate) code: Duration,
    pub(crate) access: Option<Duration>,
    pub(crate) refresh: Option<Duration>,
}

/// The state of an emulated provider.
pub(crate) struct World {
    pub(crate) base: String,
    /// The base of the API's own server, if it has one.
    pub(crate) api_base: Option<String>,
    pub(crate) users: Vec<User>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) clock: ShiftedClock,
    pub(crate) auto_approve: bool,
    clients: Mutex<Vec<RegisteredClient>>,
    ledger: Mutex<Ledger>,
    devices: Mutex<Devices>,
}

/// The decision of the person at the authorization page, as a request states it.
pub(crate) enum Approval {
    Pending,
    Denied,
    Approved(User),
    /// `approve` is not a user's login.
    UnknownUser,
}

impl World {
    pub(crate) fn new(
        base: String,
        api_base: Option<String>,
        clients: Vec<RegisteredClient>,
        users: Vec<User>,
        lifetimes: Lifetimes,
        clock: ShiftedClock,
        auto_approve: bool,
    ) -> Self {
        let clients = Mutex::new(clients);
        Self {
            base,
            api_base,
            users,
            lifetimes,
            clock,
            auto_approve,
            clients,
            ledger: Mutex::default(),
            devices: Mutex::default(),
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Locks the ledger. A redemption is atomic because its handler holds the lock.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the device codes.
    pub(crate) fn devices(&self) -> MutexGuard<'_, Devices> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn client(&self, id: &str) -> Option<RegisteredClient> {
        self.clients()
            .iter()
            .find(|client| client.id == id)
            .cloned()
    }

    pub(crate) fn clients(&self) -> MutexGuard<'_, Vec<RegisteredClient>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn user(&self, login: &str) -> Option<&User> {
        self.users.iter().find(|user| user.login == login)
    }

    /// Reads the emulator's parameters `approve` (`1` for the first user, or a login) and `deny`.
    pub(crate) fn approval(&self, params: &Params) -> Approval {
        if params.has("deny") {
            return Approval::Denied;
        }
        let user = match params.value("approve") {
            Some("1") => self.users.first(),
            Some(login) => self.user(login),
            None if self.auto_approve => self.users.first(),
            None => return Approval::Pending,
        };
        user.cloned()
            .map_or(Approval::UnknownUser, Approval::Approved)
    }

    pub(crate) fn add_code(&self, value: &str, grant: Grant, challenge: Option<String>) {
        let expires = self.now() + self.lifetimes.code;
        self.ledger().add_code(
            value.to_owned(),
            Code {
                grant,
                challenge,
                expires,
                redeemed: None,
            },
        );
    }

    /// Records a new access token in the ledger.
    pub(crate) fn add_access(&self, ledger: &mut Ledger, grant: GrantId, access: &str) {
        let expires = self.lifetimes.access.map(|life| self.now() + life);
        ledger.add_access(grant, access.to_owned(), expires);
    }

    /// Records a new pair in the ledger.
    pub(crate) fn add_pair(&self, ledger: &mut Ledger, grant: GrantId, pair: &Pair) {
        self.add_access(ledger, grant, &pair.access);
        ledger.add_refresh(
            grant,
            pair.refresh.clone(),
            &pair.access,
            self.lifetimes.refresh.map(|life| self.now() + life),
        );
    }
}
