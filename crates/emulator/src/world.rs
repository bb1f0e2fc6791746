//! What every provider's handlers share: who is known, what was issued, what time it is.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::clock::ShiftedClock;
use crate::ledger::{Code, Grant, GrantId, Ledger, Pair};
use crate::params::Params;
use crate::registration::{RegisteredClient, User};

/// How long things live; `None`: for ever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetimes {
    pub(crate) code: Duration,
    pub(crate) access: Option<Duration>,
    pub(crate) refresh: Option<Duration>,
}

pub(crate) struct World {
    pub(crate) base: String,
    pub(crate) users: Vec<User>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) clock: ShiftedClock,
    pub(crate) auto_approve: bool,
    clients: Mutex<Vec<RegisteredClient>>,
    ledger: Mutex<Ledger>,
}

/// What the person at the authorization page does.
pub(crate) enum Decision {
    /// Nothing yet: show the page.
    Undecided,
    Denied,
    Approved(User),
    /// `approve` names nobody.
    NoSuchUser,
}

impl World {
    pub(crate) fn new(
        base: String,
        clients: Vec<RegisteredClient>,
        users: Vec<User>,
        lifetimes: Lifetimes,
        clock: ShiftedClock,
        auto_approve: bool,
    ) -> Self {
        let clients = Mutex::new(clients);
        Self {
            base,
            users,
            lifetimes,
            clock,
            auto_approve,
            clients,
            ledger: Mutex::default(),
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Nothing else happens at the provider while this is held: a redemption is one step.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Reads `approve` (`1`: the first user; else a login) and `deny`, which no provider knows.
    pub(crate) fn decision(&self, params: &Params) -> Decision {
        if params.has("deny") {
            return Decision::Denied;
        }
        let user = match params.value("approve") {
            Some("1") => self.users.first(),
            Some(login) => self.user(login),
            None if self.auto_approve => self.users.first(),
            None => return Decision::Undecided,
        };
        user.cloned()
            .map_or(Decision::NoSuchUser, Decision::Approved)
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

    /// Writes a new pair into the ledger.
    pub(crate) fn add_pair(&self, ledger: &mut Ledger, grant: GrantId, pair: &Pair) {
        let now = self.now();
        ledger.add_access(
            grant,
            pair.access.clone(),
            self.lifetimes.access.map(|life| now + life),
        );
        ledger.add_refresh(
            grant,
            pair.refresh.clone(),
            &pair.access,
            self.lifetimes.refresh.map(|life| now + life),
        );
    }
}
