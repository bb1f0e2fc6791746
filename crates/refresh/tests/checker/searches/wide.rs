//! Wider searches, of up to two minutes and some gigabytes each: `scripts/check-model` runs them.

use super::{
    super::bounds::{Bounds, Budget, Reuse, Revocation},
    NONE, REFRESH, REFRESH_TWICE, THREE, TWO, disconnect, login, searches, within,
};

searches! {
    #[ignore = "takes long: scripts/check-model"]
    reuse_is_refused_with_three_faults: within(REFRESH_TWICE.any_faults(3));
    #[ignore = "takes long: scripts/check-model"]
    reuse_is_detected_with_three_faults: Bounds {
        reuse: Reuse::EndsFamily,
        ..within(REFRESH_TWICE.any_faults(3))
    };
    #[ignore = "takes long: scripts/check-model"]
    a_grace_and_the_same_pair_with_three_faults: Bounds {
        reuse: Reuse::SamePair,
        ..within(REFRESH_TWICE.any_faults(3))
    };
    #[ignore = "takes long: scripts/check-model"]
    a_grace_and_a_fresh_pair_with_three_faults: Bounds {
        reuse: Reuse::FreshPair,
        ..within(REFRESH_TWICE.any_faults(3))
    };
    #[ignore = "takes long: scripts/check-model"]
    three_processes_refresh_twice_with_three_faults: Bounds {
        budget: REFRESH_TWICE.any_faults(3),
        ..THREE
    };
    #[ignore = "takes long: scripts/check-model"]
    memory_is_compared_with_two_faults:
        within(Budget { comparisons: 1, ..REFRESH_TWICE }.any_faults(2));
    #[ignore = "takes long: scripts/check-model"]
    the_store_notifies_with_two_faults:
        within(Budget { tells: 1, ..REFRESH_TWICE }.any_faults(2));
    #[ignore = "takes long: scripts/check-model"]
    a_lease_is_renewed_twice: within(Budget { renewals: 2, ..REFRESH_TWICE }.any_faults(2));
    #[ignore = "takes long: scripts/check-model"]
    nothing_is_connected_with_two_faults: Bounds {
        connected: false,
        ..within(login(Budget { wants: 1, ..REFRESH }).any_faults(2))
    };
    #[ignore = "takes long: scripts/check-model"]
    a_disconnect_meets_a_refresh_with_three_faults: within(disconnect(REFRESH).any_faults(3));
    #[ignore = "takes long: scripts/check-model"]
    a_login_meets_a_refresh_with_two_faults: within(login(REFRESH).any_faults(2));
    #[ignore = "takes long: scripts/check-model"]
    an_adoption_meets_a_refresh_with_two_faults:
        within(Budget { adoptions: 1, ..REFRESH }.any_faults(2));
    #[ignore = "takes long: scripts/check-model"]
    two_logins_and_a_disconnect_with_two_faults: Bounds {
        connected: false,
        ..within(disconnect(Budget { logins: 2, ..NONE }).any_faults(2))
    };
    #[ignore = "takes long: scripts/check-model"]
    a_refresh_a_login_and_a_disconnect_with_a_fault:
        within(login(disconnect(REFRESH)).any_faults(1));
    #[ignore = "takes long: scripts/check-model"]
    all_three_where_a_revocation_ends_all: Bounds {
        revocation: Revocation::Account,
        ..within(login(disconnect(REFRESH)).any_faults(1))
    };
    #[ignore = "takes long: scripts/check-model"]
    a_tombstone_expires_with_two_faults:
        within(disconnect(Budget { expiries: 1, drops: 1, ..REFRESH }).any_faults(2));
    #[ignore = "takes long: scripts/check-model"]
    an_engine_closes_over_changes_with_a_fault: Bounds {
        budget: login(disconnect(Budget { closings: 1, ..REFRESH })).any_faults(1),
        ..TWO
    };
    #[ignore = "takes long: scripts/check-model"]
    a_login_meets_two_refreshes: within(login(REFRESH_TWICE).any_faults(1));
    #[ignore = "takes long: scripts/check-model"]
    a_disconnect_meets_a_refresh_and_a_comparison: within(disconnect(COMPARED).any_faults(2));
    #[ignore = "takes long: scripts/check-model"]
    a_login_meets_a_disconnect_a_comparison_and_a_tell: within(
        login(disconnect(Budget {
            comparisons: 1,
            tells: 1,
            ..NONE
        }))
        .any_faults(1),
    );
    #[ignore = "takes long: scripts/check-model"]
    a_login_meets_a_disconnect_and_a_drop: within(
        login(disconnect(Budget { drops: 1, ..NONE })).any_faults(2),
    );
    #[ignore = "takes long: scripts/check-model"]
    three_logins_meet: Bounds {
        connected: false,
        ..within(Budget { logins: 3, ..NONE }.any_faults(1))
    };
    #[ignore = "takes long: scripts/check-model"]
    three_processes_at_a_grace_and_a_fresh_pair: Bounds {
        reuse: Reuse::FreshPair,
        budget: Budget { refreshes: 3, ..NONE }.any_faults(2),
        ..THREE
    };
    #[ignore = "takes long: scripts/check-model"]
    two_adoptions_meet_a_disconnect_with_a_fault: within(
        disconnect(Budget { adoptions: 2, ..NONE }).any_faults(1),
    );
    #[ignore = "takes long: scripts/check-model"]
    an_engine_closes_over_a_renewal: within(
        Budget {
            closings: 1,
            renewals: 1,
            ..REFRESH_TWICE
        }
        .any_faults(2),
    );
    #[ignore = "takes long: scripts/check-model"]
    callers_of_all_kinds_meet: within(
        Budget {
            rejections: 1,
            wants: 1,
            listings: 1,
            ..NONE
        }
        .any_faults(2),
    );
    #[ignore = "takes long: scripts/check-model"]
    all_three_with_pauses: Bounds {
        pauses: true,
        revocation: Revocation::Account,
        ..within(login(disconnect(REFRESH)).any_faults(1))
    };
}

const COMPARED: Budget = Budget {
    comparisons: 1,
    ..REFRESH
};
