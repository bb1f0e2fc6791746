//! The rules that every [`TokenStore`](crate::TokenStore) must keep, each as a function and a test.
//!
//! [`conformance!`](crate::conformance!) makes one test per rule. Its argument makes a fresh, empty
//! store for each test, as a [`Subject`]:
//!
//! ```
//! # use tokenkeeper_store::{Entry, Key, Outcome, StoreError, TokenStore, Version};
//! # #[derive(Debug)]
//! # struct MyStore;
//! # impl MyStore { async fn open() -> Self { Self } }
//! # #[async_trait::async_trait]
//! # impl TokenStore for MyStore {
//! #     async fn get(&self, _: &Key) -> Result<Option<Entry>, StoreError> { unimplemented!() }
//! #     async fn put(
//! #         &self,
//! #         _: &Key,
//! #         _: &Entry,
//! #         _: Option<Version>,
//! #     ) -> Result<Outcome, StoreError> {
//! #         unimplemented!()
//! #     }
//! #     async fn delete(&self, _: &Key, _: Version) -> Result<Outcome, StoreError> {
//! #         unimplemented!()
//! #     }
//! # }
//! // In tests/it/main.rs, with tokenkeeper-store's feature `conformance` in [dev-dependencies].
//! use tokenkeeper_store::conformance::Subject;
//!
//! tokenkeeper_store::conformance!(mod my_store);
//!
//! async fn my_store() -> Subject {
//!     Subject::new(MyStore::open().await).without_cutter()
//! }
//! # fn main() {}
//! ```
//!
//! # Hooks
//! Some rules need help from the harness, by a setter of [`Subject`]:
//!
//! - [`with_clock`](Subject::with_clock) and [`with_system_clock`](Subject::with_system_clock) let
//!   them see an entry expire;
//! - [`with_peer`](Subject::with_peer) lets them write as another process;
//! - [`with_cutter`](Subject::with_cutter) lets them lose the answer to a write;
//! - [`must_list`](Subject::must_list), [`must_list_by_due_time`](Subject::must_list_by_due_time),
//!   [`must_claim`](Subject::must_claim), [`must_watch`](Subject::must_watch) and
//!   [`must_expire`](Subject::must_expire) declare what a store may also leave out.
//!
//! # Lost answers
//! The costliest mistake of a store on a server is to report
//! [`Unavailable`](crate::StoreError::Unavailable), nothing was done, for a write whose answer was
//! lost. No rule can show it without cutting the connection in the middle of a write, so a subject
//! must say how: [`with_cutter`](Subject::with_cutter) with a [`CuttingProxy`] in front of the
//! server (its documentation has a harness for Postgres), or with a [`ConnectionCutter`] made for
//! the backend. A store that has no connection is declared as
//! [`without_cutter`](Subject::without_cutter). A subject with neither fails
//! [`cutter_is_declared`], and only that rule.
//!
//! # Violations
//! A rule returns a [`Violation`] instead of panicking, so that a test can also expect one. A
//! decorator runs the suite over any store, and also [`forwards_every_method`].

mod claims;
mod clock;
mod connections;
mod cutter;
mod due;
mod expiry;
mod forwarding;
mod listing;
mod proxy;
mod races;
mod subject;
mod values;
mod violation;
mod watching;
mod writes;

pub use self::claims::{
    claim_changes_no_entry, claim_hides_an_entry_until_its_time, claim_leaves_out_expired_entries,
    claim_leaves_out_what_is_not_due, one_of_64_racing_claims_gets_each_key, put_ends_a_claim,
};
pub use self::clock::ManualClock;
pub use self::connections::{
    cutter_is_declared, lost_answer_to_a_delete_is_ambiguous, lost_answer_to_a_put_is_ambiguous,
    put_that_never_arrives_is_not_applied, unreachable_backend_is_unavailable,
};
pub use self::cutter::{ConnectionCutter, Cut};
pub use self::due::{due_listing_continues_at_a_later_time, listing_has_the_earliest_due_first};
pub use self::expiry::{
    entry_is_kept_until_keep_until, every_method_agrees_on_an_expired_entry,
    keep_until_at_the_ends_of_the_calendar_is_kept, keep_until_in_the_past_is_no_error,
    keep_until_is_replaced_by_the_next_put, time_finer_than_a_millisecond_is_not_cut,
};
pub use self::forwarding::forwards_every_method;
pub use self::listing::{
    listing_follows_writes, listing_returns_due_entries,
    listing_returns_entries_that_need_attention, listing_sees_each_key_once_under_writes,
    listing_unsupported_is_a_typed_error,
};
pub use self::proxy::CuttingProxy;
pub use self::races::{
    cancelled_delete_is_done_or_not, cancelled_put_leaves_the_old_or_the_new_entry,
    one_of_64_racing_deletes_applies, one_of_64_racing_first_puts_applies,
    one_of_64_racing_puts_over_a_version_applies,
};
pub use self::subject::Subject;
pub use self::values::{
    binary_value_comes_back, empty_value_comes_back, every_field_of_a_key_counts,
    keys_are_not_joined_as_text, metadata_comes_back, unusual_keys_are_kept_apart,
    value_of_one_mebibyte_comes_back,
};
pub use self::violation::Violation;
pub use self::watching::{
    every_watcher_receives_puts_and_deletes, slow_watcher_misses_no_change_in_silence,
    stream_of_changes_ends_with_the_store, watcher_receives_a_change,
    watcher_receives_changes_of_another_process, watcher_receives_no_conflict,
};
pub use self::writes::{
    ambiguous_put_can_be_repeated, ambiguous_put_is_found_by_its_version,
    delete_at_another_version_changes_nothing, delete_at_the_current_version_removes_the_entry,
    delete_of_a_missing_key_conflicts, put_at_a_version_of_a_missing_key_conflicts,
    put_at_another_version_returns_the_entry, put_if_absent,
    put_if_absent_returns_the_existing_entry, put_replaces_the_expected_version,
};

/// Makes one `#[test]` per rule of the [conformance suite](mod@crate::conformance).
///
/// `conformance!(mod a, b)` makes a module per function `a` and `b`, with a test per rule in each.
/// `conformance!(fresh)` makes the tests in the current module, where `fresh` may also be a path,
/// or a closure that returns a future.
///
/// Each function is async, without arguments, and returns a fresh, empty store, as anything that is
/// `Into<`[`Subject`](crate::conformance::Subject)`>`. Each test runs on its own tokio runtime with
/// four threads.
#[macro_export]
macro_rules! conformance {
    (mod $($fresh:ident),+ $(,)?) => {
        $(
            mod $fresh {
                $crate::conformance!(super::$fresh);
            }
        )+
    };
    ($fresh:expr $(,)?) => {
        $crate::conformance! {
            @rules $fresh;
            put_if_absent
            put_if_absent_returns_the_existing_entry
            put_replaces_the_expected_version
            put_at_another_version_returns_the_entry
            put_at_a_version_of_a_missing_key_conflicts
            delete_at_the_current_version_removes_the_entry
            delete_at_another_version_changes_nothing
            delete_of_a_missing_key_conflicts
            ambiguous_put_is_found_by_its_version
            ambiguous_put_can_be_repeated
            one_of_64_racing_first_puts_applies
            one_of_64_racing_puts_over_a_version_applies
            one_of_64_racing_deletes_applies
            cancelled_put_leaves_the_old_or_the_new_entry
            cancelled_delete_is_done_or_not
            entry_is_kept_until_keep_until
            every_method_agrees_on_an_expired_entry
            keep_until_is_replaced_by_the_next_put
            keep_until_in_the_past_is_no_error
            keep_until_at_the_ends_of_the_calendar_is_kept
            time_finer_than_a_millisecond_is_not_cut
            keys_are_not_joined_as_text
            every_field_of_a_key_counts
            unusual_keys_are_kept_apart
            empty_value_comes_back
            binary_value_comes_back
            value_of_one_mebibyte_comes_back
            metadata_comes_back
            listing_sees_each_key_once_under_writes
            listing_returns_due_entries
            listing_returns_entries_that_need_attention
            listing_follows_writes
            listing_unsupported_is_a_typed_error
            listing_has_the_earliest_due_first
            due_listing_continues_at_a_later_time
            claim_changes_no_entry
            claim_hides_an_entry_until_its_time
            put_ends_a_claim
            one_of_64_racing_claims_gets_each_key
            claim_leaves_out_what_is_not_due
            claim_leaves_out_expired_entries
            watcher_receives_a_change
            every_watcher_receives_puts_and_deletes
            watcher_receives_changes_of_another_process
            watcher_receives_no_conflict
            slow_watcher_misses_no_change_in_silence
            stream_of_changes_ends_with_the_store
            cutter_is_declared
            lost_answer_to_a_put_is_ambiguous
            lost_answer_to_a_delete_is_ambiguous
            put_that_never_arrives_is_not_applied
            unreachable_backend_is_unavailable
        }
    };
    (@rules $fresh:expr; $($rule:ident)*) => {
        $(
            #[test]
            fn $rule() {
                $crate::conformance::run(async {
                    let subject = $crate::conformance::Subject::from(($fresh)().await);
                    $crate::conformance::$rule(subject).await
                });
            }
        )*
    };
}

/// Runs one rule to its end, for [`conformance!`](crate::conformance!).
///
/// # Panics
/// If the rule is broken, with the violation.
#[doc(hidden)]
pub fn run(rule: impl Future<Output = Result<(), Violation>>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime for a test");
    if let Err(violation) = runtime.block_on(rule) {
        panic!("{violation}");
    }
}
