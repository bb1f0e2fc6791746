//! Searches with refreshes, part of every test run.

use super::{
    super::bounds::{Bounds, Budget, Reuse},
    AFTER_A_TAKEOVER, NONE, REFRESH, REFRESH_TWICE, THREE, TWO, login, searches, within,
};

searches! {
    refresh_with_reuse_refused: within(REFRESH_TWICE.any_faults(2));
    refresh_with_reuse_detected: Bounds {
        reuse: Reuse::EndsFamily,
        ..within(REFRESH_TWICE.any_faults(2))
    };
    refresh_with_grace_and_same_pair: Bounds {
        reuse: Reuse::SamePair,
        ..within(REFRESH_TWICE.any_faults(2))
    };
    refresh_with_grace_and_fresh_pair: Bounds {
        reuse: Reuse::FreshPair,
        ..within(REFRESH_TWICE.any_faults(2))
    };
    refresh_by_three_processes: Bounds {
        budget: Budget { refreshes: 3, ..NONE }.any_faults(2),
        ..THREE
    };
    refresh_with_pauses: Bounds {
        pauses: true,
        ..within(REFRESH_TWICE.any_faults(2))
    };
    refresh_with_lease_renewal: within(Budget { renewals: 1, ..REFRESH_TWICE }.any_faults(1));
    refresh_with_idle_drop: within(Budget { drops: 1, ..REFRESH_TWICE }.any_faults(2));
    refresh_with_shutdown: within(Budget { closings: 1, ..REFRESH_TWICE }.any_faults(1));
    refresh_with_comparison: within(Budget { comparisons: 1, ..REFRESH_TWICE }.any_faults(1));
    refresh_with_two_comparisons: within(Budget { comparisons: 2, ..REFRESH }.any_faults(1));
    refresh_with_notification: within(Budget { notifications: 1, ..REFRESH_TWICE }.any_faults(1));
    refusal_after_a_takeover: within(AFTER_A_TAKEOVER);
    token_requests: within(Budget { wants: 2, ..NONE }.any_faults(2));
    token_requests_with_idle_drop:
        within(Budget { wants: 2, drops: 1, ..NONE }.any_faults(2));
    refresh_invalidates_the_old_token: Bounds {
        old_token_dies: true,
        ..within(
            Budget {
                unreplayable: 1,
                ..REFRESH_TWICE
            }
            .any_faults(2),
        )
    };
    rejections: within(Budget { rejections: 2, ..NONE }.any_faults(2));
    due_listings: within(Budget { listings: 2, ..NONE }.any_faults(2));
    due_listings_during_pauses: Bounds {
        pauses: true,
        ..within(Budget { listings: 1, ..REFRESH_TWICE }.any_faults(1))
    };
    login_of_an_unconnected_account: Bounds {
        connected: false,
        budget: login(Budget { wants: 1, ..REFRESH }).any_faults(1),
        ..TWO
    };
}
