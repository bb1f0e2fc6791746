//! Searches with logins by device code, part of every test run.

use super::{
    super::bounds::{Bounds, Budget, Revocation},
    NONE, REFRESH, TWO, device, disconnect, forget, login, searches, within,
};

/// A login by device code that is finished by two calls, at any processes.
const fn twice(budget: Budget) -> Budget {
    Budget {
        callbacks: 1,
        ..device(budget)
    }
}

searches! {
    device_login_of_an_unconnected_account: Bounds {
        connected: false,
        ..within(device(NONE).any_faults(2))
    };
    device_login_of_a_connected_account: within(device(NONE).any_faults(2));
    device_login_with_two_pending_polls: Bounds {
        connected: false,
        ..within(Budget { pending: 2, renewals: 1, ..device(NONE) }.any_faults(1))
    };
    device_login_that_is_finished_twice: Bounds {
        connected: false,
        ..within(twice(NONE).any_faults(1))
    };
    device_login_whose_caller_goes_away: Bounds {
        connected: false,
        ..within(Budget { abandons: 1, ..device(NONE) }.any_faults(1))
    };
    device_login_whose_caller_goes_away_and_comes_back: Bounds {
        connected: false,
        ..within(Budget { abandons: 1, ..twice(NONE) })
    };
    device_login_and_refresh: within(device(REFRESH).any_faults(1));
    device_login_and_disconnect: within(device(disconnect(NONE)).any_faults(1));
    device_login_and_disconnect_with_account_revocation: Bounds {
        revocation: Revocation::Account,
        ..within(device(disconnect(NONE)).any_faults(1))
    };
    device_login_and_forget: within(device(forget(NONE)).any_faults(1));
    device_login_and_another_login: within(login(device(NONE)).any_faults(1));
    device_login_with_shutdown: Bounds {
        budget: Budget { closings: 1, ..device(NONE) }.any_faults(1),
        ..TWO
    };
}
