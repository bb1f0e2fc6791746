//! Wider searches, of up to two minutes and some gigabytes each, run by `scripts/check-model`.

use super::{
    super::bounds::{Bounds, Budget, Reuse, Revocation},
    NONE, REFRESH, REFRESH_TWICE, THREE, TWO, callback, disconnect, login, searches, within,
};

searches! {
    #[ignore = "slow: run by scripts/check-model"]
    refresh_with_reuse_refused_and_three_faults: within(REFRESH_TWICE.any_faults(3));
    #[ignore = "slow: run by scripts/check-model"]
    refresh_with_reuse_detected_and_three_faults: Bounds {
        reuse: Reuse::EndsFamily,
        ..within(REFRESH_TWICE.any_faults(3))
    };
    #[ignore = "slow: run by scripts/check-model"]
    refresh_with_grace_same_pair_and_three_faults: Bounds {
        reuse: Reuse::SamePair,
        ..within(REFRESH_TWICE.any_faults(3))
    };
    #[ignore = "slow: run by scripts/check-model"]
    refresh_with_grace_fresh_pair_and_three_faults: Bounds {
        reuse: Reuse::FreshPair,
        ..within(REFRESH_TWICE.any_faults(3))
    };
    #[ignore = "slow: run by scripts/check-model"]
    two_refreshes_by_three_processes_with_three_faults: Bounds {
        budget: REFRESH_TWICE.any_faults(3),
        ..THREE
    };
    #[ignore = "slow: run by scripts/check-model"]
    refresh_with_comparison_and_two_faults:
        within(Budget { comparisons: 1, ..REFRESH_TWICE }.any_faults(2));
    #[ignore = "slow: run by scripts/check-model"]
    refresh_with_notification_and_two_faults:
        within(Budget { notifications: 1, ..REFRESH_TWICE }.any_faults(2));
    #[ignore = "slow: run by scripts/check-model"]
    refresh_with_two_lease_renewals: within(Budget { renewals: 2, ..REFRESH_TWICE }.any_faults(2));
    #[ignore = "slow: run by scripts/check-model"]
    login_of_an_unconnected_account_with_two_faults: Bounds {
        connected: false,
        ..within(login(Budget { wants: 1, ..REFRESH }).any_faults(2))
    };
    #[ignore = "slow: run by scripts/check-model"]
    disconnect_and_refresh_with_three_faults: within(disconnect(REFRESH).any_faults(3));
    #[ignore = "slow: run by scripts/check-model"]
    callback_that_comes_twice_with_three_faults: Bounds {
        connected: false,
        ..within(callback(NONE).any_faults(3))
    };
    #[ignore = "slow: run by scripts/check-model"]
    callback_that_comes_twice_and_refresh_with_two_faults: within(callback(Budget {
        faults: 2,
        crashes: 1,
        pauses: 1,
        partitions: 1,
        lost_store_replies: 1,
        ..REFRESH
    }));
    #[ignore = "slow: run by scripts/check-model"]
    callback_that_comes_twice_and_disconnect_with_two_faults: Bounds {
        connected: false,
        ..within(callback(disconnect(NONE)).any_faults(2))
    };
    #[ignore = "slow: run by scripts/check-model"]
    login_and_refresh_with_two_faults: within(login(REFRESH).any_faults(2));
    #[ignore = "slow: run by scripts/check-model"]
    adoption_and_refresh_with_two_faults:
        within(Budget { adoptions: 1, ..REFRESH }.any_faults(2));
    #[ignore = "slow: run by scripts/check-model"]
    two_logins_and_disconnect_with_two_faults: Bounds {
        connected: false,
        ..within(disconnect(Budget { logins: 2, ..NONE }).any_faults(2))
    };
    #[ignore = "slow: run by scripts/check-model"]
    refresh_login_and_disconnect_with_a_fault:
        within(login(disconnect(REFRESH)).any_faults(1));
    #[ignore = "slow: run by scripts/check-model"]
    refresh_login_and_disconnect_with_account_revocation: Bounds {
        revocation: Revocation::Account,
        ..within(login(disconnect(REFRESH)).any_faults(1))
    };
    #[ignore = "slow: run by scripts/check-model"]
    tombstone_expiry_with_two_faults:
        within(disconnect(Budget { expiries: 1, drops: 1, ..REFRESH }).any_faults(2));
    #[ignore = "slow: run by scripts/check-model"]
    changes_with_shutdown_and_a_fault: Bounds {
        budget: login(disconnect(Budget { closings: 1, ..REFRESH })).any_faults(1),
        ..TWO
    };
    #[ignore = "slow: run by scripts/check-model"]
    login_and_two_refreshes: within(login(REFRESH_TWICE).any_faults(1));
    #[ignore = "slow: run by scripts/check-model"]
    disconnect_refresh_and_comparison: within(disconnect(COMPARED).any_faults(2));
    #[ignore = "slow: run by scripts/check-model"]
    login_disconnect_comparison_and_notification: within(
        login(disconnect(Budget {
            comparisons: 1,
            notifications: 1,
            ..NONE
        }))
        .any_faults(1),
    );
    #[ignore = "slow: run by scripts/check-model"]
    login_disconnect_and_idle_drop: within(
        login(disconnect(Budget { drops: 1, ..NONE })).any_faults(2),
    );
    #[ignore = "slow: run by scripts/check-model"]
    three_logins: Bounds {
        connected: false,
        ..within(Budget { logins: 3, ..NONE }.any_faults(1))
    };
    #[ignore = "slow: run by scripts/check-model"]
    refresh_by_three_processes_with_grace_and_fresh_pair: Bounds {
        reuse: Reuse::FreshPair,
        budget: Budget { refreshes: 3, ..NONE }.any_faults(2),
        ..THREE
    };
    #[ignore = "slow: run by scripts/check-model"]
    two_adoptions_and_disconnect_with_a_fault: within(
        disconnect(Budget { adoptions: 2, ..NONE }).any_faults(1),
    );
    #[ignore = "slow: run by scripts/check-model"]
    refresh_with_shutdown_and_lease_renewal: within(
        Budget {
            closings: 1,
            renewals: 1,
            ..REFRESH_TWICE
        }
        .any_faults(2),
    );
    #[ignore = "slow: run by scripts/check-model"]
    rejection_token_request_and_due_listing: within(
        Budget {
            rejections: 1,
            wants: 1,
            listings: 1,
            ..NONE
        }
        .any_faults(2),
    );
    #[ignore = "slow: run by scripts/check-model"]
    refresh_login_and_disconnect_with_pauses: Bounds {
        pauses: true,
        revocation: Revocation::Account,
        ..within(login(disconnect(REFRESH)).any_faults(1))
    };
}

const COMPARED: Budget = Budget {
    comparisons: 1,
    ..REFRESH
};
