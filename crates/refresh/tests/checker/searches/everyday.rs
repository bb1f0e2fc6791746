//! The searches of every test run.

use super::{
    super::bounds::{Bounds, Budget, Reuse, Revocation},
    REFRESH, REFRESH_TWICE, THREE, TWO, holds,
};

#[test]
fn two_refreshes_without_faults() {
    holds(
        "two refreshes, no faults",
        Bounds {
            budget: REFRESH_TWICE,
            ..TWO
        },
    );
}

#[test]
fn two_refreshes_with_one_fault() {
    holds(
        "two refreshes, 1 fault",
        Bounds {
            budget: REFRESH_TWICE.any_faults(1),
            ..TWO
        },
    );
}

#[test]
fn two_refreshes_with_two_faults() {
    holds(
        "two refreshes, 2 faults",
        Bounds {
            budget: REFRESH_TWICE.any_faults(2),
            ..TWO
        },
    );
}
#[test]
fn two_refreshes_ends_family() {
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
fn two_refreshes_same() {
    holds(
        "two refreshes, Same",
        Bounds {
            reuse: Reuse::SamePair,
            budget: REFRESH_TWICE.any_faults(2),
            ..TWO
        },
    );
}
#[test]
fn two_refreshes_fresh() {
    holds(
        "two refreshes, Fresh",
        Bounds {
            reuse: Reuse::FreshPair,
            budget: REFRESH_TWICE.any_faults(2),
            ..TWO
        },
    );
}
#[test]
fn three() {
    holds(
        "three",
        Bounds {
            budget: Budget {
                refreshes: 3,
                ..REFRESH
            }
            .any_faults(1),
            ..THREE
        },
    );
}
#[test]
fn refresh_disconnect() {
    holds(
        "refresh_disconnect",
        Bounds {
            budget: Budget {
                disconnects: 1,
                ..REFRESH
            }
            .any_faults(1),
            ..TWO
        },
    );
}
#[test]
fn disconnect_nothing() {
    holds(
        "disconnect nothing",
        Bounds {
            revocation: Revocation::Nothing,
            budget: Budget {
                disconnects: 1,
                ..REFRESH
            }
            .any_faults(2),
            ..TWO
        },
    );
}
#[test]
fn refresh_login() {
    holds(
        "refresh_login",
        Bounds {
            budget: Budget {
                logins: 1,
                ..REFRESH
            }
            .any_faults(1),
            ..TWO
        },
    );
}
#[test]
fn refresh_adopt() {
    holds(
        "refresh_adopt",
        Bounds {
            budget: Budget {
                adoptions: 1,
                ..REFRESH
            }
            .any_faults(2),
            ..TWO
        },
    );
}
#[test]
fn login_disconnect() {
    holds(
        "login disconnect",
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
fn two_logins_disconnect() {
    holds(
        "2 logins disconnect",
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
fn refresh_login_disconnect() {
    holds(
        "refresh login disconnect",
        Bounds {
            budget: Budget {
                logins: 1,
                disconnects: 1,
                ..REFRESH
            },
            ..TWO
        },
    );
}
#[test]
fn refresh_login_account() {
    holds(
        "refresh login account",
        Bounds {
            revocation: Revocation::Account,
            budget: Budget {
                logins: 1,
                ..REFRESH
            }
            .any_faults(1),
            ..TWO
        },
    );
}
#[test]
fn login_disconnect_account() {
    holds(
        "login disconnect account",
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
