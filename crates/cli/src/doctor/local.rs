//! What is on this machine: files, keys, and the store.

use std::sync::Arc;

use tokenkeeper::store::{Filter, Keyring, StoreError, TokenStore};

use super::report::Report;
use crate::{BoxError, app, causes, config::Config, global::Global, progress, store::Location};

/// How many records are opened.
const MOST: usize = 1000;

/// Checks that no other user of the machine can change what commands read.
pub(super) fn check_rights(report: &mut Report, config: &Config) {
    for file in config.files() {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // A file that is missing is a problem of its provider.
            let mode = file.metadata().map_or(0, |data| data.permissions().mode());
            if mode & 0o022 != 0 {
                let shown = file.display();
                let detail = format!("others can write {shown}: run `chmod go-w {shown}`");
                report.problem("file rights", detail);
                continue;
            }
        }
        let detail = format!("only you can write {}", file.display());
        report.ok("file rights", detail);
    }
}

/// Checks the keys, the store, and that they fit together.
pub(super) async fn check_store(report: &mut Report, global: &Global, config: &Config) {
    let location = match global.store.location(config) {
        Ok(location) => location,
        Err(error) => return report.problem("store", causes(&*error)),
    };
    let exists = location.exists();
    let keyring = find_keys(report, global, config, &location, exists).await;
    if !exists {
        let detail = format!("{location} does not exist yet; the first login makes it");
        return report.ok("store", detail);
    }
    let opened = async {
        match &keyring {
            Some(keyring) => location.open_existing(keyring.clone()).await,
            None => location.open_sealed().await,
        }
    };
    let store = match progress::show("opening the store", opened).await {
        Ok(store) => store,
        Err(error) => return report.problem("store", causes(&*error)),
    };
    // The last thing that it looks at are some records.
    let health = match progress::show("asking the store", store.check_health()).await {
        Err(error) if error.is_of_one_entry() => Ok(()),
        health => health,
    };
    let healthy = report.take("store", health, |()| format!("{location} is healthy"));
    if healthy.is_some() && keyring.is_some() {
        check_records(report, &store).await;
    }
}

async fn find_keys(
    report: &mut Report,
    global: &Global,
    config: &Config,
    location: &Location,
    exists: bool,
) -> Option<Keyring> {
    match app::find_keyring(global, config).await {
        Ok(Some(keyring)) => {
            let mut ids = keyring.ids();
            let current = ids.next().unwrap_or_default();
            let detail = format!("`{current}` is the current one; {} only read", ids.count());
            report.ok("keys", detail);
            return Some(keyring);
        }
        Ok(None) if location.is_default_file() && !exists => {
            report.ok("keys", "there are none yet; the first login draws one");
        }
        Ok(None) => report.problem("keys", app::NO_KEYS),
        Err(error) => report.problem("keys", causes(&*error)),
    }
    None
}

/// Checks that the keys open the records.
async fn check_records(report: &mut Report, store: &Arc<dyn TokenStore>) {
    match progress::show("reading records", open_records(store)).await {
        Ok(Opened {
            opened,
            first: None,
        }) => {
            report.ok("records", format!("{opened} read, all of them open"));
        }
        Ok(Opened {
            opened,
            first: Some((key, error)),
        }) => {
            let error = causes(&error);
            let detail = format!(
                "{opened} open, but others do not; the first is {key}: {error}; `tokenkeeper keys` \
                 lists all"
            );
            report.problem("records", detail);
        }
        Err(error) => report.problem("records", causes(&*error)),
    }
}

/// The records that were read.
#[derive(Default)]
struct Opened {
    opened: usize,
    /// The first one that did not open.
    first: Option<(String, StoreError)>,
}

async fn open_records(store: &Arc<dyn TokenStore>) -> Result<Opened, BoxError> {
    let page = store.list(Filter::All, None, MOST).await?;
    if let Some(error) = page.unread.into_iter().next() {
        return Err(error.into());
    }
    let mut opened = Opened::default();
    for key in page.keys {
        match store.get(&key).await {
            // One that was removed meanwhile fails for no one.
            Ok(_) => opened.opened += 1,
            Err(error) if error.is_of_one_entry() => {
                let name = format!("{} {}", key.brand(), key.digest());
                opened.first.get_or_insert((name, error));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(opened)
}
