//! Refreshes, in every test run.

use super::{
    super::bounds::{Bounds, Budget, Reuse},
    NONE, REFRESH, REFRESH_TWICE, THREE, TWO, login, searches, within,
};

searches! {
    a_provider_refuses_reuse: within(REFRESH_TWICE.any_faults(2));
    a_provider_detects_reuse: Bounds {
        reuse: Reuse::EndsFamily,
        ..within(REFRESH_TWICE.any_faults(2))
    };
    a_provider_with_a_grace_returns_the_same_pair: Bounds {
        reuse: Reuse::SamePair,
        ..within(REFRESH_TWICE.any_faults(2))
    };
    a_provider_with_a_grace_returns_a_fresh_pair: Bounds {
        reuse: Reuse::FreshPair,
        ..within(REFRESH_TWICE.any_faults(2))
    };
    three_processes_refresh: Bounds {
        budget: Budget { refreshes: 3, ..NONE }.any_faults(2),
        ..THREE
    };
    failures_lead_to_pauses: Bounds {
        pauses: true,
        ..within(REFRESH_TWICE.any_faults(2))
    };
    a_lease_is_renewed: within(Budget { renewals: 1, ..REFRESH_TWICE }.any_faults(1));
    an_idle_account_is_dropped: within(Budget { drops: 1, ..REFRESH_TWICE }.any_faults(2));
    an_engine_closes: within(Budget { closings: 1, ..REFRESH_TWICE }.any_faults(1));
    memory_is_compared: within(Budget { comparisons: 1, ..REFRESH_TWICE }.any_faults(1));
    memory_is_compared_twice: within(Budget { comparisons: 2, ..REFRESH }.any_faults(1));
    the_store_notifies: within(Budget { tells: 1, ..REFRESH_TWICE }.any_faults(1));
    callers_want_a_token: within(Budget { wants: 2, ..NONE }.any_faults(2));
    callers_want_a_token_that_was_dropped:
        within(Budget { wants: 2, drops: 1, ..NONE }.any_faults(2));
    the_old_token_dies_at_a_refresh: Bounds {
        old_token_dies: true,
        ..within(
            Budget {
                once: 1,
                ..REFRESH_TWICE
            }
            .any_faults(2),
        )
    };
    callers_meet_rejections: within(Budget { rejections: 2, ..NONE }.any_faults(2));
    accounts_are_listed_as_due: within(Budget { listings: 2, ..NONE }.any_faults(2));
    accounts_are_listed_during_pauses: Bounds {
        pauses: true,
        ..within(Budget { listings: 1, ..REFRESH_TWICE }.any_faults(1))
    };
    nothing_is_connected: Bounds {
        connected: false,
        budget: login(Budget { wants: 1, ..REFRESH }).any_faults(1),
        ..TWO
    };
}
