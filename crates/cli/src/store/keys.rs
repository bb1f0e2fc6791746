//! `tokenkeeper keys`: which key encrypts how many records.

use std::{collections::BTreeMap, process::ExitCode, sync::Arc};

use serde::Serialize;
use serde_json::json;
use tokenkeeper::store::{Filter, Key, Keyring, SealingKey, StoreError, TokenStore};

use super::Location;
use crate::{
    BoxError, app, causes,
    config::Config,
    exit::Exit,
    global::Global,
    output::{self, Field},
    progress,
};

/// Shows which key encrypts how many records
///
/// An old key without records can be removed, and `reencrypt` moves the records of old keys to the
/// current one. It shows no key. The exit status is 1 if a record does not open.
///
/// Example: tokenkeeper keys
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

/// How many accounts are listed at once.
const PAGE: usize = 500;

pub(crate) async fn run(_: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    let config = Config::read(global.config.as_deref())?;
    let location = global.store.location(&config)?;
    let keyring = app::find_keyring(global, &config).await?;
    let counted = Count::read(&location, keyring.as_ref());
    let count = progress::show("reading records", counted).await?;
    count.print(global.json)?;
    Ok(if count.unreadable.is_empty() {
        ExitCode::SUCCESS
    } else {
        Exit::Failed.into()
    })
}

/// The records of each key, by its id.
struct Count {
    keys: BTreeMap<String, Row>,
    unreadable: Vec<Unreadable>,
}

/// The records of one key.
#[derive(Debug, Serialize)]
struct Row {
    key: String,
    role: Role,
    records: u64,
}

/// What a key is to this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    /// It writes.
    Current,
    /// It only reads.
    Old,
    /// A key service wraps data keys with it.
    Service,
    /// The keyring lacks it.
    Missing,
}

/// A record that does not open.
#[derive(Debug, Serialize)]
struct Unreadable {
    provider: String,
    /// The name of the account in logs.
    digest: String,
    problem: String,
}

impl Count {
    fn new(keyring: Option<&Keyring>) -> Self {
        let ids = keyring.into_iter().flat_map(Keyring::ids);
        let rows = ids.enumerate().map(|(at, id)| {
            let role = if at == 0 { Role::Current } else { Role::Old };
            (id.to_owned(), Row::new(id, role))
        });
        Self {
            keys: rows.collect(),
            unreadable: Vec::new(),
        }
    }

    /// Counts all records of a store.
    async fn read(location: &Location, keyring: Option<&Keyring>) -> Result<Self, BoxError> {
        let sealed = location.open_sealed().await?;
        let opened = match keyring {
            Some(keyring) => Some(location.open_existing(keyring.clone()).await?),
            None => None,
        };
        let mut count = Self::new(keyring);
        let mut cursor = None;
        loop {
            let page = sealed.list(Filter::All, cursor, PAGE).await?;
            if let Some(error) = page.unread.into_iter().next() {
                return Err(error.into());
            }
            for key in page.keys {
                count.add(&key, &sealed, opened.as_ref()).await?;
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(count);
            }
        }
    }

    /// Counts a record under its key, and opens it if there are keys.
    async fn add(
        &mut self,
        key: &Key,
        sealed: &Arc<dyn TokenStore>,
        opened: Option<&Arc<dyn TokenStore>>,
    ) -> Result<(), StoreError> {
        // One that was removed meanwhile has no key.
        let Some(entry) = sealed.get(key).await? else {
            return Ok(());
        };
        let named = SealingKey::of(&entry.value);
        if let Ok(name) = &named {
            let role = if name.is_wrapping() {
                Role::Service
            } else {
                Role::Missing
            };
            let row = self.keys.entry(name.id().to_owned());
            row.or_insert_with(|| Row::new(name.id(), role)).records += 1;
        }
        let read = match (named, opened) {
            // Only the service knows whether it opens.
            (Ok(name), _) if name.is_wrapping() => return Ok(()),
            (Ok(_), Some(opened)) => opened.get(key).await.map(drop),
            (named, _) => named.map(drop),
        };
        match read {
            Err(error) if error.is_of_one_entry() => {
                self.unreadable.push(Unreadable::new(key, &error));
                Ok(())
            }
            read => read,
        }
    }

    fn print(&self, as_json: bool) -> Result<(), BoxError> {
        let rows: Vec<_> = self.keys.values().collect();
        if as_json {
            return output::json(&json!({ "keys": rows, "unreadable": self.unreadable }));
        }
        let columns: Vec<_> = rows.iter().map(|row| row.columns()).collect();
        output::table(&columns)?;
        for record in &self.unreadable {
            let Unreadable {
                provider,
                digest,
                problem,
            } = record;
            let text = format!("not readable: {provider} {digest}: {problem}");
            output::note(&output::printable(&text));
        }
        Ok(())
    }
}

impl Row {
    fn new(key: &str, role: Role) -> Self {
        Self {
            key: key.to_owned(),
            role,
            records: 0,
        }
    }

    fn columns(&self) -> Vec<Field> {
        let role = match self.role {
            Role::Current => "current",
            Role::Old if self.records == 0 => "old, can be removed",
            Role::Old => "old",
            Role::Service => "of a key service",
            Role::Missing => "missing",
        };
        vec![
            Field::new("key", &self.key),
            Field::new("role", role),
            Field::new("records", self.records.to_string()),
        ]
    }
}

impl Unreadable {
    fn new(key: &Key, error: &StoreError) -> Self {
        Self {
            provider: key.brand().to_owned(),
            digest: key.digest().to_string(),
            problem: causes(error),
        }
    }
}
