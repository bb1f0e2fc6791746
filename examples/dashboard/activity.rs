//! What happened to the accounts, and who their people are.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use futures_util::StreamExt as _;
use serde_json::Value;
use tokenkeeper::{Account, Accounts, EventKind};

/// What this process has seen of each account. A real application would keep the names in its
/// database.
#[derive(Clone, Default)]
pub struct Activity(Arc<Mutex<HashMap<Account, Seen>>>);

/// What was seen of one account.
#[derive(Clone, Default)]
pub struct Seen {
    pub last_refresh: Option<SystemTime>,
    /// Whose account it is at the provider.
    pub name: Option<String>,
}

impl Activity {
    /// Watches the events of all accounts from now on.
    pub fn watch(accounts: &Accounts) -> Self {
        let activity = Self::default();
        let (watching, mut events) = (activity.clone(), accounts.events());
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                let mut accounts = watching.lock();
                match event.kind {
                    EventKind::Refreshed { .. } => {
                        accounts.entry(event.account).or_default().last_refresh = Some(event.at);
                    }
                    EventKind::Disconnected => {
                        accounts.remove(&event.account);
                    }
                    _ => {}
                }
            }
        });
        activity
    }

    pub fn of(&self, account: &Account) -> Seen {
        self.lock().get(account).cloned().unwrap_or_default()
    }

    /// Forgets what was seen of an account before a login.
    pub fn forget(&self, account: &Account) {
        self.lock().remove(account);
    }

    /// Learns from an API's response whose account it is, if it says so.
    pub fn learn_name(&self, account: &Account, body: &str) {
        let name = serde_json::from_str(body)
            .ok()
            .and_then(|json| name_in(&json));
        if let Some(name) = name {
            self.lock().entry(account.clone()).or_default().name = Some(name);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Account, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name_in(json: &Value) -> Option<String> {
    let Value::Object(members) = json else {
        return None;
    };
    let names = ["email", "login", "username", "user", "name"];
    let mut names = names.iter().filter_map(|name| members.get(*name)?.as_str());
    match names.next() {
        Some(name) => Some(name.to_owned()),
        None => members.values().find_map(name_in),
    }
}
