//! Each rule of the protocol, broken, is found out.

use tokenkeeper_refresh::mutation::Mutation;

use super::{
    super::{
        bounds::{Bounds, Budget, Reuse, Revocation},
        properties::Breach,
    },
    NONE, REFRESH, REFRESH_TWICE, disconnect, found, login, within,
};

macro_rules! finds {
    ($($name:ident: $mutation:ident in $bounds:expr => $breach:ident;)*) => {
        $(
            #[test]
            fn $name() {
                found(Mutation::$mutation, $bounds, Breach::$breach);
            }
        )*
    };
}

finds! {
    finds_no_attempt: NoAttempt in within(REFRESH_TWICE) => PresentedTwice;
    finds_an_attempt_written_over_a_conflict:
        AttemptOverConflict in within(REFRESH_TWICE) => PresentedTwice;
    finds_a_result_given_up_on_a_conflict:
        ResultGivenUpOnConflict in within(REFRESH_TWICE.any_faults(1)) => TokensLost;
    finds_a_commit_without_a_version:
        CommitWithoutVersion in within(login(REFRESH)) => WentBack;
    finds_a_lease_that_ends_at_once: LeaseByWallClock in within(REFRESH_TWICE) => PresentedTwice;
    finds_a_mark_without_a_version:
        MarkDeadWithoutVersion in within(REFRESH_TWICE.any_faults(1)) => WentBack;
    finds_a_mark_that_beats_tokens:
        DeadWinsOverTokens in within(REFRESH_TWICE.any_faults(1)) => TokensLost;
    finds_health_compared_before_generation:
        HealthBeforeGeneration in within(REFRESH_TWICE.any_faults(1)) => WentBack;
    finds_a_disconnect_without_a_tombstone:
        DisconnectAsDelete in within(disconnect(REFRESH)) => WentBack;
    finds_generations_compared_across_logins:
        GenerationsAcrossLogins in within(login(REFRESH).any_faults(1)) => TokensLost;
    finds_no_replay: NeverReplay in within(REFRESH.any_faults(1)) => MarkedWrongly;
    finds_a_cap_on_replays: CapOnReplays in within(REFRESH.any_faults(2)) => MarkedWrongly;
    finds_a_replaced_login_revoked: RevokesOverALogin in Bounds {
        revocation: Revocation::Account,
        ..within(login(REFRESH))
    } => LoggedOut;
    finds_a_revocation_over_a_newer_login: RevokesOverALogin in Bounds {
        revocation: Revocation::Account,
        ..within(login(disconnect(NONE)))
    } => LoggedOut;
    finds_a_lapsed_attempt_that_counts_as_answered:
        LapsedCountsAsAnswered in within(REFRESH_TWICE.any_faults(1)) => CauseWrong;
    finds_over_attempts_forgotten:
        OverForgotten in within(login(REFRESH).any_faults(1)) => WaitsForItself;
    finds_memory_that_forgets_a_lost_record:
        ForgetsThoughMovedOn in within(REFRESH.any_faults(1)) => TokensLost;
    finds_a_replay_under_the_old_attempt:
        ReplayUnderOldAttempt in within(REFRESH_TWICE.any_faults(1)) => PresentedTwice;
    finds_a_login_that_drops_an_attempt:
        LoginDropsAttempt in within(login(REFRESH_TWICE)) => PresentedTwice;
    finds_a_refresh_that_was_overtaken:
        RefreshesThoughOvertaken in within(REFRESH_TWICE) => RefreshedNeedlessly;
    finds_presentations_not_counted: PresentationsNotCounted in Bounds {
        reuse: Reuse::FreshPair,
        ..within(REFRESH_TWICE.any_faults(1))
    } => TokensLost;
    finds_a_login_in_flight_that_is_dropped: PendingLoginDropped in within(Budget {
        logins: 2,
        ..REFRESH
    }) => NumberTaken;
    finds_tokens_unknown_to_a_disconnect_forgotten:
        UnknownTokensForgotten in within(disconnect(REFRESH)) => TokensLost;
    finds_replaced_tokens_left_alive:
        UnknownTokensForgotten in within(login(REFRESH)) => LeftAlive;
    finds_a_late_answer_dropped: LateAnswerDropped in within(Budget {
        comparisons: 1,
        ..REFRESH_TWICE
    }.any_faults(1)) => TokensLost;
    finds_tokens_served_after_a_disconnect:
        ServesAfterDisconnect in within(disconnect(NONE)) => ServedAfterDisconnect;
    finds_a_valid_token_withheld: WithheldWhileRefreshing in within(REFRESH) => Withheld;
    finds_a_request_sent_too_late:
        SendsTooLate in within(REFRESH.any_faults(1)) => SentTooLate;
    finds_a_code_sent_too_late:
        SendsTooLate in within(login(NONE).any_faults(1)) => SentTooLate;
    finds_a_pause_after_a_time_out_cut_short:
        TimeOutCutShort in within(Budget { refreshes: 3, ..REFRESH }.any_faults(2))
        => PresentedTwice;
    finds_waiters_forgotten: WaitersForgotten in within(REFRESH) => Deadlock;
    finds_a_conflict_repeated_for_ever:
        ConflictRepeatedForever in within(REFRESH_TWICE) => Livelock;
}
