//! The searches of every test run.

use super::{
    super::bounds::{Bounds, Budget, Reuse, Revocation},
    REFRESH_TWICE, THREE, TWO, holds,
};

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
            revocation: Revocation::Nothing,
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
fn a_login_meets_a_refresh_where_a_revocation_ends_all_logins() {
    holds(
        "refresh and login, Account",
        Bounds {
            revocation: Revocation::Account,
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
fn a_login_meets_a_disconnect_where_a_revocation_ends_all_logins() {
    holds(
        "login and disconnect, Account",
        Bounds {
            revocation: Revocation::Account,
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
