//! Each rule of the protocol, broken, is found out.

use super::{
    super::{
        bounds::{Bounds, Budget, Revocation},
        mutation::Mutation,
        properties::Breach,
    },
    REFRESH, REFRESH_TWICE, TWO, found,
};

#[test]
fn finds_no_attempt() {
    found(
        Mutation::NoAttempt,
        Bounds {
            budget: REFRESH_TWICE,
            ..TWO
        },
        Breach::PresentedTwice,
    );
}

#[test]
fn finds_an_attempt_written_over_a_conflict() {
    found(
        Mutation::AttemptOverConflict,
        Bounds {
            budget: REFRESH_TWICE,
            ..TWO
        },
        Breach::PresentedTwice,
    );
}

#[test]
fn finds_a_result_given_up_on_a_conflict() {
    found(
        Mutation::ResultGivenUpOnConflict,
        Bounds {
            budget: REFRESH_TWICE.any_faults(1),
            ..TWO
        },
        Breach::TokensLost,
    );
}

#[test]
fn finds_a_commit_without_a_version() {
    found(
        Mutation::CommitWithoutVersion,
        Bounds {
            budget: Budget {
                refreshes: 1,
                disconnects: 1,
                ..Budget::NONE
            },
            ..TWO
        },
        Breach::WentBack,
    );
}

#[test]
fn finds_a_lease_by_wall_clock() {
    found(
        Mutation::LeaseByWallClock,
        Bounds {
            budget: REFRESH_TWICE,
            ..TWO
        },
        Breach::PresentedTwice,
    );
}

#[test]
fn finds_a_mark_without_a_version() {
    found(
        Mutation::MarkDeadWithoutVersion,
        Bounds {
            budget: REFRESH_TWICE.any_faults(1),
            ..TWO
        },
        Breach::WentBack,
    );
}

#[test]
fn finds_dead_wins_over_tokens() {
    found(
        Mutation::DeadWinsOverTokens,
        Bounds {
            budget: REFRESH_TWICE.any_faults(1),
            ..TWO
        },
        Breach::TokensLost,
    );
}

#[test]
fn finds_health_before_generation() {
    found(
        Mutation::HealthBeforeGeneration,
        Bounds {
            budget: Budget {
                refreshes: 2,
                validations: 1,
                ..Budget::NONE
            }
            .any_faults(1),
            ..TWO
        },
        Breach::WentBack,
    );
}

#[test]
fn finds_a_disconnect_as_a_plain_delete() {
    found(
        Mutation::DisconnectAsDelete,
        Bounds {
            budget: Budget {
                refreshes: 1,
                disconnects: 1,
                ..Budget::NONE
            },
            ..TWO
        },
        Breach::Resurrected,
    );
}

#[test]
fn finds_generations_compared_across_logins() {
    found(
        Mutation::GenerationsAcrossLogins,
        Bounds {
            budget: Budget {
                refreshes: 1,
                logins: 1,
                validations: 1,
                ..Budget::NONE
            },
            ..TWO
        },
        Breach::WentBack,
    );
}

#[test]
fn finds_no_replay() {
    found(
        Mutation::NeverReplay,
        Bounds {
            budget: REFRESH.any_faults(1),
            ..TWO
        },
        Breach::MarkedWrongly,
    );
}

#[test]
fn finds_a_cap_on_replays() {
    found(
        Mutation::CapOnReplays,
        Bounds {
            budget: REFRESH.any_faults(2),
            ..TWO
        },
        Breach::MarkedWrongly,
    );
}

#[test]
fn finds_a_revocation_over_a_newer_login() {
    for (refreshes, disconnects) in [(1, 0), (0, 1)] {
        found(
            Mutation::RevokesOverALogin,
            Bounds {
                revocation: Revocation::Account,
                budget: Budget {
                    refreshes,
                    logins: 1,
                    disconnects,
                    ..Budget::NONE
                },
                ..TWO
            },
            Breach::LoggedOut,
        );
    }
}
