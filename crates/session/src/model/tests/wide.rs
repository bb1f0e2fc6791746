//! Wider searches, of up to a minute and two gigabytes each: `scripts/check-model` runs them.

use super::{
    super::bounds::{Bounds, Budget, Reuse},
    THREE, TWO, holds,
};

#[test]
#[ignore = "takes long: scripts/check-model"]
fn two_refreshes_and_a_comparison_with_two_faults() {
    holds(
        "two refreshes, a comparison, 2 faults",
        Bounds {
            budget: Budget {
                refreshes: 2,
                validations: 1,
                ..Budget::NONE
            }
            .any_faults(2),
            ..TWO
        },
    );
}

#[test]
#[ignore = "takes long: scripts/check-model"]
fn two_refreshes_with_three_faults_at_a_provider_that_detects_reuse() {
    holds(
        "two refreshes, EndsFamily, 3 faults",
        Bounds {
            reuse: Reuse::EndsFamily,
            budget: Budget {
                refreshes: 2,
                ..Budget::NONE
            }
            .any_faults(3),
            ..TWO
        },
    );
}

#[test]
#[ignore = "takes long: scripts/check-model"]
fn two_refreshes_with_three_faults_at_a_provider_that_has_a_grace_and_the_same_pair() {
    holds(
        "two refreshes, SamePair, 3 faults",
        Bounds {
            reuse: Reuse::SamePair,
            budget: Budget {
                refreshes: 2,
                ..Budget::NONE
            }
            .any_faults(3),
            ..TWO
        },
    );
}

#[test]
#[ignore = "takes long: scripts/check-model"]
fn two_refreshes_with_three_faults_at_a_provider_that_has_a_grace_and_a_fresh_pair() {
    holds(
        "two refreshes, FreshPair, 3 faults",
        Bounds {
            reuse: Reuse::FreshPair,
            budget: Budget {
                refreshes: 2,
                ..Budget::NONE
            }
            .any_faults(3),
            ..TWO
        },
    );
}

#[test]
#[ignore = "takes long: scripts/check-model"]
fn three_processes_refresh_twice_with_three_faults() {
    holds(
        "three processes, two refreshes, 3 faults",
        Bounds {
            budget: Budget {
                refreshes: 2,
                ..Budget::NONE
            }
            .any_faults(3),
            ..THREE
        },
    );
}

#[test]
#[ignore = "takes long: scripts/check-model"]
fn a_disconnect_meets_a_refresh_with_two_faults() {
    holds(
        "refresh and disconnect, 2 faults",
        Bounds {
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
#[ignore = "takes long: scripts/check-model"]
fn a_login_meets_a_refresh_with_two_faults() {
    holds(
        "refresh and login, 2 faults",
        Bounds {
            budget: Budget {
                refreshes: 1,
                logins: 1,
                ..Budget::NONE
            }
            .any_faults(2),
            ..TWO
        },
    );
}

#[test]
#[ignore = "takes long: scripts/check-model"]
fn two_logins_and_a_disconnect_with_two_faults() {
    holds(
        "two logins and a disconnect, 2 faults",
        Bounds {
            connected: false,
            budget: Budget {
                logins: 2,
                disconnects: 1,
                ..Budget::NONE
            }
            .any_faults(2),
            ..TWO
        },
    );
}

#[test]
#[ignore = "takes long: scripts/check-model"]
fn a_refresh_a_login_and_a_disconnect_with_a_crash() {
    holds(
        "refresh, login and disconnect, a crash",
        Bounds {
            budget: Budget {
                refreshes: 1,
                logins: 1,
                disconnects: 1,
                faults: 1,
                crashes: 1,
                ..Budget::NONE
            },
            ..TWO
        },
    );
}
