//! Every rule of the suite finds a store that breaks it.

mod claims;
mod fault;
mod link;
mod listing;
mod store;

use tokenkeeper_store::conformance::{self as rules, Violation};

use self::fault::Fault as F;
use self::store::broken;

/// One test per rule and fault: the rule holds without the fault, and is violated with it.
macro_rules! finds {
    ($($test:ident: $rule:ident finds $($fault:ident),+;)+) => {
        $(
            // One thread and a paused clock: a rule finds the fault each time, at once.
            #[tokio::test(start_paused = true)]
            async fn $test() {
                rules::$rule(broken(F::None)).await.unwrap();
                $(
                    let found: Result<(), Violation> = rules::$rule(broken(F::$fault)).await;
                    assert!(found.is_err(), "{:?} was not found", F::$fault);
                )+
            }
        )+
    };
}

finds! {
    race_of_first_puts: one_of_64_racing_first_puts_applies finds CheckThenAct;
    race_over_a_version: one_of_64_racing_puts_over_a_version_applies finds CheckThenAct;
    race_of_deletes: one_of_64_racing_deletes_applies finds CheckThenAct;
    put_if_absent: put_if_absent finds LosesPuts, MakesItsOwnVersion;
    put_if_absent_returns: put_if_absent_returns_the_existing_entry
        finds AppliesConflictingPuts, ConflictsWithNothing;
    put_over: put_replaces_the_expected_version finds LosesPuts, KeepsTheOldMetadata;
    put_stale: put_at_another_version_returns_the_entry
        finds AppliesConflictingPuts, ConflictsWithNothing;
    put_missing: put_at_a_version_of_a_missing_key_conflicts
        finds PutsOverNothing, AppliesConflictingPuts;
    delete: delete_at_the_current_version_removes_the_entry
        finds DeleteDoesNothing, PutsOverNothing;
    delete_stale: delete_at_another_version_changes_nothing finds DeletesAnyVersion;
    delete_missing: delete_of_a_missing_key_conflicts finds DeleteOfNothingApplies;
    ambiguous_found: ambiguous_put_is_found_by_its_version finds MakesItsOwnVersion, LosesPuts;
    ambiguous_repeated: ambiguous_put_can_be_repeated
        finds TakesARepeatedPutForApplied, MakesItsOwnVersion;
    cancelled_put: cancelled_put_leaves_the_old_or_the_new_entry finds WritesInTwoSteps;
    cancelled_delete: cancelled_delete_is_done_or_not finds DeletesInTwoSteps;
    kept: entry_is_kept_until_keep_until finds ForgetsEarly, RefusesAfterKeepUntil;
    kept_no_longer: every_method_agrees_on_an_expired_entry
        finds ForgetsEarly, ForgetsLate, RefusesAfterKeepUntil, ListsExpiredKeys;
    kept_far: keep_until_at_the_ends_of_the_calendar_is_kept
        finds ForgetsTheFarFuture, RefusesThePast;
    kept_by_nanoseconds: time_finer_than_a_millisecond_is_not_cut finds KeepsSeconds, ForgetsEarly;
    kept_longer: keep_until_is_replaced_by_the_next_put finds ForgetsByTheFirstKeepUntil;
    kept_no_more: keep_until_in_the_past_is_no_error finds RefusesThePast;
    joined_keys: keys_are_not_joined_as_text finds JoinsKeysWithColons;
    fields_of_keys: every_field_of_a_key_counts finds IgnoresTheClientId;
    unusual_keys: unusual_keys_are_kept_apart finds LowersCase, CutsKeys;
    empty_value: empty_value_comes_back finds DropsEmptyValues;
    binary_value: binary_value_comes_back finds KeepsText;
    large_value: value_of_one_mebibyte_comes_back finds KeepsShortValues;
    metadata: metadata_comes_back finds KeepsSeconds;
    listing_under_writes: listing_sees_each_key_once_under_writes
        finds ListsByOffset, ListsTwice, ListsTooMany;
    listing_due: listing_returns_due_entries finds ListsDueInclusive, ListsDueBySecond;
    listing_attention: listing_returns_entries_that_need_attention finds ListsAllForAttention;
    listing_follows: listing_follows_writes finds ListsRemovedKeys;
    listing_unsupported: listing_unsupported_is_a_typed_error finds ListsNothingInsteadOfAnError;
    listing_by_due_time: listing_has_the_earliest_due_first
        finds ListsDueByKey, SortsOnlyWithinPages, ListsOneOfAnyDueTime;
    listing_at_a_later_time: due_listing_continues_at_a_later_time
        finds CursorsKeepTheTime, CursorsNeedTheirEntry, ListsByOffset;
    claim_of_entries: claim_changes_no_entry
        finds ClaimsChangeTheVersion, ClaimsMoveTheDueTime, ClaimsAreAnnounced,
            ClaimReturnsOtherKeys;
    claim_until: claim_hides_an_entry_until_its_time
        finds ClaimsHideNothing, ClaimsNeverEnd, ClaimsEndEarly, ClaimsForAll, ClaimsAreLocal,
            ClaimsHideFromAllListings, RefusesLongClaims;
    claim_over: put_ends_a_claim finds PutsKeepClaims, ConflictsEndClaims;
    claim_race: one_of_64_racing_claims_gets_each_key finds ChecksThenClaims, ClaimsAreLocal;
    claim_of_no_work: claim_leaves_out_what_is_not_due
        finds ClaimsWhatIsNotDue, ClaimsMissingKeys;
    claim_of_expired: claim_leaves_out_expired_entries finds ClaimsExpiredKeys;
    watching: watcher_receives_a_change finds WatchIsSilent, WatchTellsOtherVersions;
    watching_all: every_watcher_receives_puts_and_deletes finds WatchIsForOne, WatchMissesDeletes;
    watching_others: watcher_receives_changes_of_another_process finds WatchIsLocal;
    watching_conflicts: watcher_receives_no_conflict finds WatchTellsOfConflicts;
    watching_slowly: slow_watcher_misses_no_change_in_silence finds WatchSkipsWhenSlow;
    watching_the_end: stream_of_changes_ends_with_the_store finds WatchKeepsTheStore;
    lost_answer_to_put: lost_answer_to_a_put_is_ambiguous finds ReportsLostAnswersAsUnavailable;
    lost_answer_to_delete: lost_answer_to_a_delete_is_ambiguous
        finds ReportsLostAnswersAsUnavailable;
    lost_put: put_that_never_arrives_is_not_applied
        finds ReportsLostAnswersAsApplied, LosesItsConnectionForever;
    unreachable: unreachable_backend_is_unavailable finds ReportsUnreachableAsAmbiguous;
}
