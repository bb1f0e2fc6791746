//! The rules that every [`TokenStore`](crate::TokenStore) must keep, each as a function and as a test.
//!
//! [`conformance!`](crate::conformance!) makes one test per rule, named as the rule. It is given what makes a fresh, empty
//! store: the path of an async function, or a closure that returns a future. The store may come as it is, or as a
//! [`Subject`] that can also move the store's clock.
//!
//! ```
//! # use tokenkeeper_store::{Entry, Key, Outcome, StoreError, TokenStore, Version};
//! # #[derive(Debug)]
//! # struct MyStore;
//! # impl MyStore { async fn open() -> Self { Self } }
//! # #[async_trait::async_trait]
//! # impl TokenStore for MyStore {
//! #     async fn get(&self, _: &Key) -> Result<Option<Entry>, StoreError> { unimplemented!() }
//! #     async fn put(&self, _: &Key, _: &Entry, _: Option<Version>) -> Result<Outcome, StoreError> { unimplemented!() }
//! #     async fn delete(&self, _: &Key, _: Version) -> Result<Outcome, StoreError> { unimplemented!() }
//! # }
//! // in tests/it/main.rs, with the feature `conformance` of tokenkeeper-store in [dev-dependencies]
//! mod my_store {
//!     tokenkeeper_store::conformance!(super::MyStore::open);
//! }
//! # fn main() {}
//! ```
//!
//! Each rule returns a [`Violation`] rather than to panic, so that a test can also expect one. A decorator, a store
//! around another one, passes the suite over any store and [`forwards_every_method`] besides.

mod forwarding;
mod listing;
mod races;
mod subject;
mod time;
mod values;
mod violation;
mod writes;

pub use self::forwarding::forwards_every_method;
pub use self::listing::{
    a_watcher_is_told_of_a_change, listing_follows_the_writes, listing_returns_what_is_due,
    listing_returns_what_needs_attention, listing_sees_each_key_once_under_writes,
    listing_unsupported_is_a_typed_error,
};
pub use self::races::{
    cancelled_delete_is_done_or_not, cancelled_put_is_the_old_or_the_new,
    of_64_racing_deletes_one_applies, of_64_racing_first_puts_one_applies,
    of_64_racing_puts_over_a_version_one_applies,
};
pub use self::subject::{ManualClock, Subject};
pub use self::time::{
    keep_until_in_the_past_is_no_error, keep_until_is_replaced_by_the_next_put,
    kept_until_keep_until,
};
pub use self::values::{
    binary_value_comes_back, empty_value_comes_back, every_field_of_a_key_counts,
    keys_are_not_joined_text, metadata_comes_back, unusual_keys_are_kept_apart,
    value_of_one_mebibyte_comes_back,
};
pub use self::violation::Violation;
pub use self::writes::{
    ambiguous_put_can_be_repeated, ambiguous_put_is_found_by_its_version,
    delete_at_another_version_changes_nothing, delete_at_its_version_removes,
    delete_of_nothing_conflicts_with_none, put_at_a_version_where_nothing_is_conflicts_with_none,
    put_at_another_version_returns_what_is_there, put_if_absent,
    put_if_absent_returns_what_is_there, put_over_the_expected_version,
};

/// Makes one `#[test]` per rule of the [conformance suite](mod@crate::conformance), for fresh stores that `$fresh` makes.
///
/// `$fresh` is called without arguments and returns a future of anything that is
/// `Into<`[`Subject`](crate::conformance::Subject)`>`: a [`TokenStore`](crate::TokenStore), or a subject. Each test runs on
/// a tokio runtime of its own with four threads. Invoke it in a module of its own, one per store.
#[macro_export]
macro_rules! conformance {
    ($fresh:expr $(,)?) => {
        $crate::conformance! {
            @rules $fresh;
            put_if_absent
            put_if_absent_returns_what_is_there
            put_over_the_expected_version
            put_at_another_version_returns_what_is_there
            put_at_a_version_where_nothing_is_conflicts_with_none
            delete_at_its_version_removes
            delete_at_another_version_changes_nothing
            delete_of_nothing_conflicts_with_none
            ambiguous_put_is_found_by_its_version
            ambiguous_put_can_be_repeated
            of_64_racing_first_puts_one_applies
            of_64_racing_puts_over_a_version_one_applies
            of_64_racing_deletes_one_applies
            cancelled_put_is_the_old_or_the_new
            cancelled_delete_is_done_or_not
            kept_until_keep_until
            keep_until_is_replaced_by_the_next_put
            keep_until_in_the_past_is_no_error
            keys_are_not_joined_text
            every_field_of_a_key_counts
            unusual_keys_are_kept_apart
            empty_value_comes_back
            binary_value_comes_back
            value_of_one_mebibyte_comes_back
            metadata_comes_back
            listing_sees_each_key_once_under_writes
            listing_returns_what_is_due
            listing_returns_what_needs_attention
            listing_follows_the_writes
            listing_unsupported_is_a_typed_error
            a_watcher_is_told_of_a_change
        }
    };
    (@rules $fresh:expr; $($rule:ident)*) => {
        $(
            #[test]
            fn $rule() {
                $crate::conformance::run(async {
                    let subject = $crate::conformance::Subject::from(($fresh)().await);
                    $crate::conformance::$rule(&subject).await
                });
            }
        )*
    };
}

/// Runs one rule to its end; for [`conformance!`](crate::conformance!).
///
/// # Panics
/// With the violation, if the rule is broken.
#[doc(hidden)]
pub fn run(rule: impl Future<Output = Result<(), Violation>>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime for a test can be had");
    if let Err(violation) = runtime.block_on(rule) {
        panic!("{violation}");
    }
}
