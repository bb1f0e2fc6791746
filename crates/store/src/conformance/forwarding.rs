//! Rule: a decorator forwards every method.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use super::Violation;
use super::subject::{entry, key};
use super::violation::ensure;
use crate::{
    BoxStream, Change, Cursor, Entry, Filter, Key, Outcome, Page, StoreError, TokenStore, Version,
};

/// Each call of a method of the wrapped store reaches the store below it exactly once.
///
/// [`TokenStore::version`], [`TokenStore::list`], [`TokenStore::claim`],
/// [`TokenStore::check_health`] and [`TokenStore::watch`] have defaults, so a wrapper that forgets
/// one of them compiles, and loses it silently.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::sync::Arc;
/// use tokenkeeper_store::conformance::forwards_every_method;
///
/// forwards_every_method(|store| Arc::new(store)).await.unwrap();
/// # }
/// ```
pub async fn forwards_every_method(
    wrap: impl FnOnce(Arc<dyn TokenStore>) -> Arc<dyn TokenStore>,
) -> Result<(), Violation> {
    let probe = Arc::new(Probe::default());
    let wrapped = wrap(probe.clone());
    let (key, entry) = (key("forwarded"), entry("value"));
    ensure!(
        wrapped.get(&key).await?.is_none(),
        "a get was not forwarded"
    );
    ensure!(
        wrapped.version(&key).await?.is_none(),
        "a call of `version` was not forwarded"
    );
    let put = wrapped.put(&key, &entry, None).await?;
    ensure!(put == Outcome::Applied, "a put came back as {put:?}");
    let deleted = wrapped.delete(&key, entry.version).await?;
    ensure!(
        deleted == Outcome::Conflict(None),
        "a delete came back as {deleted:?}"
    );
    let cursor = Cursor::new(&b"cursor"[..]);
    let page = wrapped
        .list(Filter::Attention, Some(cursor.clone()), 42)
        .await?;
    ensure!(
        page.keys == [key.clone()] && page.next == Some(cursor) && page.unread.len() == 1,
        "a list came back as {page:?}"
    );
    let claimed = wrapped
        .claim(std::slice::from_ref(&key), NOW, LASTING)
        .await?;
    ensure!(claimed.is_empty(), "a claim came back as {claimed:?}");
    let health = wrapped.check_health().await;
    ensure!(
        health.is_err(),
        "the error of a check of the health got lost"
    );
    let watched = wrapped.watch().is_some();
    for (method, calls) in probe.calls() {
        ensure!(
            calls == 1,
            "one call of `{method}` reached the store {calls} times"
        );
    }
    ensure!(watched, "the stream of `watch` got lost");
    Ok(())
}

/// The arguments of the claim.
const NOW: SystemTime = SystemTime::UNIX_EPOCH;
const LASTING: Duration = Duration::from_secs(42);

/// Counts the calls of each method.
#[derive(Debug, Default)]
struct Probe {
    get: AtomicUsize,
    version: AtomicUsize,
    put: AtomicUsize,
    delete: AtomicUsize,
    list: AtomicUsize,
    claim: AtomicUsize,
    check_health: AtomicUsize,
    watch: AtomicUsize,
}

impl Probe {
    fn calls(&self) -> [(&'static str, usize); 8] {
        let Self {
            get,
            version,
            put,
            delete,
            list,
            claim,
            check_health,
            watch,
        } = self;
        [
            ("get", get),
            ("version", version),
            ("put", put),
            ("delete", delete),
            ("list", list),
            ("claim", claim),
            ("check_health", check_health),
            ("watch", watch),
        ]
        .map(|(method, calls)| (method, calls.load(Ordering::Relaxed)))
    }
}

#[async_trait]
impl TokenStore for Probe {
    async fn get(&self, _: &Key) -> Result<Option<Entry>, StoreError> {
        self.get.fetch_add(1, Ordering::Relaxed);
        Ok(None)
    }

    async fn version(&self, _: &Key) -> Result<Option<Version>, StoreError> {
        self.version.fetch_add(1, Ordering::Relaxed);
        Ok(None)
    }

    async fn put(
        &self,
        _: &Key,
        _: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        self.put.fetch_add(1, Ordering::Relaxed);
        Ok(if expected.is_none() {
            Outcome::Applied
        } else {
            Outcome::Conflict(None)
        })
    }

    async fn delete(&self, _: &Key, _: Version) -> Result<Outcome, StoreError> {
        self.delete.fetch_add(1, Ordering::Relaxed);
        Ok(Outcome::Conflict(None))
    }

    async fn list(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.list.fetch_add(1, Ordering::Relaxed);
        if filter != Filter::Attention || limit != 42 {
            return Err(StoreError::other("the arguments of `list` were changed"));
        }
        let unread = StoreError::other("a part of the store");
        Ok(Page::new(vec![key("forwarded")], cursor).with_unread(vec![unread]))
    }

    async fn claim(
        &self,
        keys: &[Key],
        now: SystemTime,
        lasting: Duration,
    ) -> Result<Vec<Key>, StoreError> {
        self.claim.fetch_add(1, Ordering::Relaxed);
        if keys.len() != 1 || now != NOW || lasting != LASTING {
            return Err(StoreError::other("the arguments of `claim` were changed"));
        }
        Ok(Vec::new())
    }

    async fn check_health(&self) -> Result<(), StoreError> {
        self.check_health.fetch_add(1, Ordering::Relaxed);
        Err(StoreError::other("the store is in danger"))
    }

    fn watch(&self) -> Option<BoxStream<'static, Change>> {
        self.watch.fetch_add(1, Ordering::Relaxed);
        Some(Box::pin(Silence))
    }
}

/// A stream without items.
struct Silence;

impl futures_core::Stream for Silence {
    type Item = Change;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Change>> {
        std::task::Poll::Pending
    }
}
