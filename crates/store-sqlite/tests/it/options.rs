//! Options that cannot be used.

use std::time::Duration;

use tokenkeeper_store::StoreError;
use tokenkeeper_store_sqlite::{SqliteError, SqliteOptions};

use crate::support::Directory;

#[tokio::test]
async fn an_error_names_the_wrong_option() {
    let directory = Directory::new();
    let options = || SqliteOptions::new(directory.database());
    for (options, wrong) in [
        (options().watch_interval(Duration::ZERO), "watch_interval"),
        (options().max_pages(0), "max_pages"),
        (options().log_limit(0), "log_limit"),
    ] {
        let error = options.open_plaintext().await.unwrap_err();
        let StoreError::Other { source } = error else {
            panic!("{error:?}");
        };
        let source = source.downcast_ref().expect("a SqliteError");
        assert!(matches!(source, SqliteError::BadOption { option, .. } if *option == wrong));
        assert!(!directory.database().exists());
    }
}
