//! Pages and cursors.

use std::time::SystemTime;

use tokenkeeper_store::{Cursor, Filter, StoreError, TokenStore};
use tokenkeeper_store_sqlite::SqliteStore;

use crate::support::{Directory, entry, key};

#[tokio::test]
async fn a_cursor_of_another_listing_is_an_error() {
    let directory = Directory::new();
    let store = SqliteStore::open_plaintext(directory.database())
        .await
        .unwrap();
    let filters = [
        Filter::All,
        Filter::Attention,
        Filter::DueBefore(SystemTime::now()),
    ];
    let mut cursors: Vec<Cursor> = [
        &b""[..],
        b"k",
        b"a",
        b"a1234567",
        b"d",
        b"d123456789012345",
        b"x",
        b"a cursor from elsewhere",
    ]
    .map(Cursor::new)
    .into();
    for name in ["a", "b"] {
        let value = entry("value")
            .with_attention(true)
            .with_due(SystemTime::UNIX_EPOCH);
        let _ = store.put(&key(name), &value, None).await.unwrap();
    }
    for (number, filter) in filters.into_iter().enumerate() {
        let own = store.list(filter, None, 1).await.unwrap().next;
        assert!(store.list(filter, own.clone(), 1).await.is_ok());
        for cursor in &cursors {
            let page = store.list(filter, Some(cursor.clone()), 10).await;
            assert!(matches!(page, Err(StoreError::Other { .. })), "{page:?}");
        }
        // No listing takes the cursor of another one.
        for other in filters.into_iter().skip(number + 1) {
            let page = store.list(other, own.clone(), 10).await;
            assert!(matches!(page, Err(StoreError::Other { .. })), "{page:?}");
        }
        cursors.extend(own);
    }
}

#[tokio::test]
async fn a_page_takes_any_limit() {
    let directory = Directory::new();
    let store = SqliteStore::open_plaintext(directory.database())
        .await
        .unwrap();
    let _ = store.put(&key("a"), &entry("a"), None).await.unwrap();
    for limit in [0, usize::MAX] {
        let page = store.list(Filter::All, None, limit).await.unwrap();
        assert_eq!(page.keys, [key("a")]);
    }
}
