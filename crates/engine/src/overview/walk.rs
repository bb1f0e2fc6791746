//! Counts the accounts of the store by its index, and the marked ones by their records.

use std::{
    error::Error as _,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{StreamExt as _, stream};
use tokenkeeper_protocol::Provider;
use tokenkeeper_store::{Cursor, Filter, Key, StoreError};

use super::{Overview, ProviderOverview};
use crate::{
    clock::wall_millis,
    engine::{Core, codec, is_internal_entry, registry, store_health::Call},
    error::Error,
    health::AccountHealth,
};

/// Counts all accounts.
pub(super) async fn count(core: Arc<Core>) -> Result<Overview, Error> {
    let at = core.time.wall_time();
    let brand = |provider: &Arc<dyn Provider>| ProviderOverview {
        brand: provider.brand().to_owned(),
        ..ProviderOverview::default()
    };
    let mut counting = Counting {
        overview: Overview {
            at,
            providers: core.providers.iter().map(brand).collect(),
            others: 0,
            unread: Vec::new(),
        },
        core,
    };
    counting.run(at).await?;
    Ok(counting.overview)
}

struct Counting {
    core: Arc<Core>,
    overview: Overview,
}

impl Counting {
    async fn run(&mut self, at: SystemTime) -> Result<(), Error> {
        let overdue_at = at.checked_sub(OVERDUE).unwrap_or(UNIX_EPOCH);
        self.walk(Filter::DueBefore(overdue_at), |provider| {
            &mut provider.overdue
        })
        .await?;
        self.walk(Filter::DueBefore(at), |provider| &mut provider.due)
            .await?;
        let end = UNIX_EPOCH + END_OF_TIME;
        self.walk(Filter::DueBefore(end), |provider| &mut provider.refreshable)
            .await?;
        self.walk_all().await?;
        self.walk_marked(at).await
    }

    /// Counts the accounts that a filter accepts.
    async fn walk(
        &mut self,
        filter: Filter,
        count: impl Fn(&mut ProviderOverview) -> &mut usize,
    ) -> Result<(), Error> {
        let mut pages = Pages::new(filter);
        while let Some(keys) = pages.next(&self.core, &mut self.overview.unread).await? {
            for key in keys {
                if let Some(index) = provider_of(&self.core, &key) {
                    *count(&mut self.overview.providers[index]) += 1;
                }
            }
        }
        Ok(())
    }

    async fn walk_all(&mut self) -> Result<(), Error> {
        let mut pages = Pages::new(Filter::All);
        while let Some(keys) = pages.next(&self.core, &mut self.overview.unread).await? {
            for key in keys {
                match provider_of(&self.core, &key) {
                    Some(index) => self.overview.providers[index].accounts += 1,
                    None => self.overview.others += 1,
                }
            }
        }
        Ok(())
    }

    /// Counts the marked accounts, and reads their records.
    async fn walk_marked(&mut self, at: SystemTime) -> Result<(), Error> {
        let mut pages = Pages::new(Filter::Attention);
        let mut room = MAX_RECORDS;
        while let Some(keys) = pages.next(&self.core, &mut self.overview.unread).await? {
            let ours = keys.into_iter().filter_map(|key| {
                let index = provider_of(&self.core, &key)?;
                Some((index, key))
            });
            let ours: Vec<_> = ours.collect();
            let read = room.min(ours.len());
            room -= read;
            for (index, _) in &ours[read..] {
                let provider = &mut self.overview.providers[*index];
                provider.attention += 1;
                provider.unread += 1;
            }
            let core = &self.core;
            let records = ours
                .into_iter()
                .take(read)
                .map(|(index, key)| async move { (index, find_health(core, &key, at).await) });
            let mut records = stream::iter(records).buffer_unordered(READS_AT_ONCE);
            while let Some((index, found)) = records.next().await {
                note_marked(&mut self.overview.providers[index], found);
            }
        }
        Ok(())
    }
}

/// The health of a marked account.
enum Found {
    Health {
        health: AccountHealth,
        refreshable: bool,
    },
    /// The record changed since the listing and is no longer marked, or is gone.
    Unmarked,
    Unreadable,
}

fn note_marked(provider: &mut ProviderOverview, found: Found) {
    match found {
        Found::Unmarked => return,
        Found::Unreadable => provider.unread += 1,
        Found::Health {
            health,
            refreshable,
        } => {
            let at = AccountHealth::ALL.iter().position(|each| *each == health);
            if let Some(at) = at {
                provider.marked[at] += 1;
            }
            provider.marked_refreshable += usize::from(refreshable);
        }
    }
    provider.attention += 1;
}

/// Reads the health of an account. Nothing of its tokens is kept.
async fn find_health(core: &Core, key: &Key, at: SystemTime) -> Found {
    let entry = match in_time(core, core.store.get(key)).await {
        Ok(Some(entry)) if entry.attention => entry,
        Ok(_) => return Found::Unmarked,
        Err(_) => return Found::Unreadable,
    };
    match codec::decode(&entry.value, &codec::Shared::default()) {
        Ok(record) => Found::Health {
            health: AccountHealth::of(Some(&record), false, wall_millis(at)),
            refreshable: entry.due.is_some(),
        },
        Err(_) => Found::Unreadable,
    }
}

/// Returns the index of a key's provider.
fn provider_of(core: &Core, key: &Key) -> Option<usize> {
    registry::index_by_id(core, key.brand(), key.client_id(), key.base())
}

/// The pages of one listing.
struct Pages {
    filter: Filter,
    cursor: Option<Cursor>,
    is_over: bool,
}

impl Pages {
    fn new(filter: Filter) -> Self {
        Self {
            filter,
            cursor: None,
            is_over: false,
        }
    }

    /// Lists the accounts of the next page; `None` after the last one. A failure ends the listing
    /// and is added to `unread`.
    async fn next(
        &mut self,
        core: &Core,
        unread: &mut Vec<StoreError>,
    ) -> Result<Option<Vec<Key>>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let page = core.store.list(self.filter, self.cursor.take(), PAGE);
        match in_time(core, page).await {
            Ok(page) => {
                core.store_health.note_success(Call::Read, core.time.now());
                page.unread.into_iter().for_each(|error| add(unread, error));
                self.is_over = page.next.is_none();
                self.cursor = page.next;
                let mut keys = page.keys;
                keys.retain(|key| !is_internal_entry(key));
                Ok(Some(keys))
            }
            Err(error @ StoreError::Unsupported(_)) => Err(Error::Listing(Arc::new(error))),
            Err(error) => {
                let health = &core.store_health;
                health.note_failure(Call::Read, &error, core.time.now());
                add(unread, error);
                self.is_over = true;
                Ok(None)
            }
        }
    }
}

/// Adds an error, unless it is there: a part that is away is missing on every page.
fn add(unread: &mut Vec<StoreError>, error: StoreError) {
    let text = |error: &StoreError| (error.to_string(), error.source().map(ToString::to_string));
    let new = text(&error);
    if !unread.iter().any(|known| text(known) == new) {
        unread.push(error);
    }
}

/// Bounds a call to the store.
async fn in_time<T>(
    core: &Core,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let result = tokio::time::timeout(core.options.lease / 4, call).await;
    result.unwrap_or_else(|elapsed| Err(StoreError::unavailable(elapsed)))
}

/// The number of keys in a page: a store serves other calls between two of them.
const PAGE: usize = 250;

/// The number of marked accounts whose records are read.
const MAX_RECORDS: usize = 10_000;

const READS_AT_ONCE: usize = 8;

/// From when a due account is overdue.
const OVERDUE: Duration = Duration::from_secs(60);

/// The last second that a store can express, from 1970: later than any due time.
const END_OF_TIME: Duration = Duration::from_secs(253_402_300_799);
