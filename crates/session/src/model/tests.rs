//! The searches of every test run. `scripts/check-model` runs wider ones.

use super::{
    bounds::{Bounds, Budget, Reuse},
    mutation::Mutation,
    properties::Breach,
    search::explore,
    trace,
};

/// Two processes that know a connected account, at a provider that revokes and refuses what was redeemed.
const TWO: Bounds = Bounds {
    name: "two processes",
    procs: 2,
    reuse: Reuse::Refused,
    revokes: true,
    connected: true,
    budget: Budget::NONE,
};

const THREE: Bounds = Bounds { procs: 3, ..TWO };

const REFRESH: Budget = Budget {
    refreshes: 1,
    ..Budget::NONE
};

const REFRESH_TWICE: Budget = Budget {
    refreshes: 2,
    ..Budget::NONE
};

/// Explores everything within the bounds, and prints what it saw.
#[track_caller]
fn holds(name: &'static str, bounds: Bounds) {
    let bounds = Bounds { name, ..bounds };
    let report = explore(bounds, None);
    println!("{report}");
    if let Some((breach, events)) = &report.breach {
        let story = trace::tell(bounds, None, events);
        panic!("{breach:?} in {name}:\n{story}");
    }
    assert!(report.complete);
}

/// A protocol that is wrong in one place is found out.
#[track_caller]
fn found(mutation: Mutation, bounds: Bounds, expected: Breach) {
    let name = "broken";
    let bounds = Bounds { name, ..bounds };
    let report = explore(bounds, Some(mutation));
    let Some((breach, events)) = &report.breach else {
        panic!("{mutation:?} was not found:\n{report}");
    };
    let story = trace::tell(bounds, Some(mutation), events);
    println!(
        "{mutation:?} leads to {breach:?} ({} states):\n{story}",
        report.states
    );
    assert_eq!(*breach, expected);
}

#[test]
fn two_refreshes_at_a_provider_that_refuses_reuse() {
    holds(
        "two refreshes, Refused",
        Bounds {
            reuse: Reuse::Refused,
            budget: REFRESH_TWICE.any_faults(2),
            ..TWO
        },
    );
}

#[test]
fn two_refreshes_at_a_provider_that_detects_reuse() {
    holds(
        "two refreshes, EndsFamily",
        Bounds {
            reuse: Reuse::EndsFamily,
            budget: REFRESH_TWICE.any_faults(2),
            ..TWO
        },
    );
}

#[test]
fn two_refreshes_at_a_provider_with_a_grace_and_the_same_pair() {
    holds(
        "two refreshes, SamePair",
        Bounds {
            reuse: Reuse::SamePair,
            budget: REFRESH_TWICE.any_faults(2),
            ..TWO
        },
    );
}

#[test]
fn two_refreshes_at_a_provider_with_a_grace_and_a_fresh_pair() {
    holds(
        "two refreshes, FreshPair",
        Bounds {
            reuse: Reuse::FreshPair,
            budget: REFRESH_TWICE.any_faults(2),
            ..TWO
        },
    );
}

#[test]
fn three_processes_refresh() {
    holds(
        "three processes refresh",
        Bounds {
            budget: Budget {
                refreshes: 3,
                ..Budget::NONE
            }
            .any_faults(1),
            ..THREE
        },
    );
}

#[test]
fn a_disconnect_meets_a_refresh() {
    holds(
        "refresh and disconnect",
        Bounds {
            budget: Budget {
                refreshes: 1,
                disconnects: 1,
                ..Budget::NONE
            }
            .any_faults(1),
            ..TWO
        },
    );
}

#[test]
fn a_disconnect_where_nothing_can_be_revoked() {
    holds(
        "disconnect without revocation",
        Bounds {
            revokes: false,
            budget: Budget {
                refreshes: 1,
                disconnects: 1,
                ..Budget::NONE
            }
            .any_faults(2),
            ..TWO
        },
    );
}

#[test]
fn a_login_meets_a_refresh() {
    holds(
        "refresh and login",
        Bounds {
            budget: Budget {
                refreshes: 1,
                logins: 1,
                ..Budget::NONE
            }
            .any_faults(1),
            ..TWO
        },
    );
}

#[test]
fn an_adoption_meets_a_refresh() {
    holds(
        "refresh and adoption",
        Bounds {
            budget: Budget {
                refreshes: 1,
                adoptions: 1,
                ..Budget::NONE
            }
            .any_faults(2),
            ..TWO
        },
    );
}

#[test]
fn a_login_meets_a_disconnect() {
    holds(
        "login and disconnect",
        Bounds {
            budget: Budget {
                logins: 1,
                disconnects: 1,
                ..Budget::NONE
            }
            .any_faults(2),
            ..TWO
        },
    );
}

#[test]
fn two_logins_and_a_disconnect() {
    holds(
        "two logins and a disconnect",
        Bounds {
            connected: false,
            budget: Budget {
                logins: 2,
                disconnects: 1,
                ..Budget::NONE
            }
            .any_faults(1),
            ..TWO
        },
    );
}

#[test]
fn a_refresh_a_login_and_a_disconnect() {
    holds(
        "refresh, login and disconnect",
        Bounds {
            budget: Budget {
                refreshes: 1,
                logins: 1,
                disconnects: 1,
                ..Budget::NONE
            },
            ..TWO
        },
    );
}

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
