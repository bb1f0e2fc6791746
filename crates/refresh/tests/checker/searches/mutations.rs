//! Mutation tests: each broken rule must lead to a violation.

use tokenkeeper_refresh::mutation::Mutation;

use super::{
    super::{
        bounds::{Bounds, Budget, Reuse, Revocation},
        properties::Violation,
    },
    AFTER_A_TAKEOVER, NONE, REFRESH, REFRESH_TWICE, assert_finds, callback, damage, device,
    disconnect, forget, login, within,
};

macro_rules! finds {
    ($($name:ident: $mutation:ident in $bounds:expr => $violation:ident;)*) => {
        $(
            #[test]
            fn $name() {
                assert_finds(Mutation::$mutation, $bounds, Violation::$violation);
            }
        )*
    };
}

finds! {
    finds_a_missing_attempt: NoAttempt in within(REFRESH_TWICE) => PresentedTwice;
    finds_an_attempt_that_overwrites_a_conflict:
        AttemptOverConflict in within(REFRESH_TWICE) => PresentedTwice;
    finds_a_result_dropped_on_conflict:
        ResultDroppedOnConflict in within(REFRESH_TWICE.any_faults(1)) => TokensLost;
    finds_an_unconditional_commit:
        UnconditionalCommit in within(login(REFRESH)) => RecordRegressed;
    finds_a_lease_that_expires_at_once:
        LeaseExpiresAtOnce in within(REFRESH_TWICE) => PresentedTwice;
    finds_an_unconditional_mark:
        UnconditionalMark in within(REFRESH_TWICE.any_faults(1)) => RecordRegressed;
    finds_a_dead_mark_that_beats_tokens:
        DeadBeatsTokens in within(REFRESH_TWICE.any_faults(1)) => TokensLost;
    finds_health_compared_before_generation:
        HealthBeforeGeneration in within(REFRESH_TWICE.any_faults(1)) => RecordRegressed;
    finds_a_disconnect_without_a_tombstone:
        DisconnectAsDelete in within(disconnect(REFRESH)) => RecordRegressed;
    finds_a_forgotten_account_without_a_mark:
        ForgetAsDelete in within(forget(REFRESH)) => RecordRegressed;
    finds_generations_compared_across_logins:
        GenerationsAcrossLogins in within(login(REFRESH).any_faults(1)) => TokensLost;
    finds_a_missing_replay: NeverReplay in within(REFRESH.any_faults(1)) => WrongMark;
    finds_a_cap_on_replays: CapOnReplays in within(REFRESH.any_faults(2)) => WrongMark;
    finds_a_revocation_that_ends_a_newer_login: RevokesNewerLogin in Bounds {
        revocation: Revocation::Account,
        ..within(login(REFRESH))
    } => NewerLoginRevoked;
    finds_a_disconnect_that_ends_a_newer_login: RevokesNewerLogin in Bounds {
        revocation: Revocation::Account,
        ..within(login(disconnect(NONE)))
    } => NewerLoginRevoked;
    finds_a_lapsed_attempt_counted_as_answered:
        LapsedCountsAsAnswered in within(REFRESH_TWICE.any_faults(1)) => WrongCause;
    finds_forgotten_finished_attempts:
        FinishedAttemptsForgotten in within(login(REFRESH).any_faults(1)) => WaitsForItself;
    finds_a_lost_record_dropped_from_memory:
        LostRecordDropped in within(REFRESH.any_faults(1)) => TokensLost;
    finds_a_replay_under_the_old_attempt:
        ReplayUnderOldAttempt in within(REFRESH_TWICE.any_faults(1)) => PresentedTwice;
    finds_a_login_that_drops_an_attempt:
        LoginDropsAttempt in within(login(REFRESH_TWICE)) => PresentedTwice;
    finds_a_superseded_refresh:
        RefreshesThoughSuperseded in within(REFRESH_TWICE) => NeedlessRefresh;
    finds_uncounted_presentations: PresentationsNotCounted in Bounds {
        reuse: Reuse::FreshPair,
        ..within(REFRESH_TWICE.any_faults(1))
    } => TokensLost;
    finds_a_dropped_login_in_flight: PendingLoginDropped in within(Budget {
        logins: 2,
        ..REFRESH
    }) => DuplicateNumber;
    finds_unrevoked_tokens_of_a_disconnected_login:
        UnknownTokensNotRevoked in within(disconnect(REFRESH)) => TokensLost;
    finds_unrevoked_tokens_of_a_replaced_login:
        UnknownTokensNotRevoked in within(login(REFRESH)) => Unrevoked;
    finds_a_dropped_late_answer: LateAnswerDropped in within(Budget {
        comparisons: 1,
        ..REFRESH_TWICE
    }.any_faults(1)) => TokensLost;
    finds_a_dropped_late_refusal:
        LateRefusalDropped in within(AFTER_A_TAKEOVER) => PresentedAfterAnswer;
    finds_a_flow_that_is_used_twice: FlowUsedTwice in Bounds {
        connected: false,
        ..within(callback(NONE))
    } => PresentedTwice;
    finds_a_forgotten_refusal_of_a_code: RefusedFlowForgotten in Bounds {
        connected: false,
        ..within(Budget { callbacks: 2, ..callback(NONE) }.any_faults(1))
    } => PresentedAfterAnswer;
    finds_a_forgotten_flow_of_a_replaced_login: ReplacedFlowForgotten in
        within(Budget { logins: 2, ..callback(NONE) }) => PresentedTwice;
    finds_a_poll_after_the_lease: PollsWithoutLease in Bounds {
        connected: false,
        ..within(Budget { callbacks: 1, ..device(NONE) }.any_faults(1))
    } => PresentedTwice;
    finds_a_device_that_outlives_a_disconnect:
        DeviceOutlivesDisconnect in within(device(disconnect(NONE))) => DeviceOutlivedDisconnect;
    finds_a_token_served_after_a_disconnect:
        ServesAfterDisconnect in within(disconnect(NONE)) => ServedAfterDisconnect;
    finds_a_withheld_token: WithheldWhileRefreshing in within(REFRESH) => TokenWithheld;
    finds_a_request_sent_too_late:
        SendsTooLate in within(REFRESH.any_faults(1)) => SentTooLate;
    finds_a_code_sent_too_late:
        SendsTooLate in within(login(NONE).any_faults(1)) => SentTooLate;
    finds_a_shortened_timeout_pause:
        TimeoutPauseShortened in within(Budget { refreshes: 3, ..REFRESH }.any_faults(2))
        => PresentedTwice;
    finds_a_refresh_that_replaces_an_unreadable_record:
        UnreadableOverwritten in within(damage(REFRESH)) => UnreadableLost;
    finds_an_unclaimed_code_over_an_unreadable_record:
        UnclaimedCode in within(damage(callback(NONE))) => PresentedTwice;
    finds_forgotten_waiters: WaitersForgotten in within(REFRESH) => Deadlock;
    finds_an_endless_conflict:
        ConflictRepeated in within(REFRESH_TWICE) => Livelock;
}
