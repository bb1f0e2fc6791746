//! Searches with logins, adoptions and disconnects, part of every test run.

use super::{
    super::bounds::{Bounds, Budget, Revocation},
    NONE, REFRESH, THREE, TWO, callback, damage, disconnect, forget, login, searches, within,
};

searches! {
    disconnect_and_refresh: within(disconnect(REFRESH).any_faults(2));
    disconnect_and_refresh_without_revocation: Bounds {
        revocation: Revocation::Nothing,
        ..within(disconnect(REFRESH).any_faults(2))
    };
    disconnect_and_refresh_with_pauses: Bounds {
        pauses: true,
        ..within(disconnect(REFRESH).any_faults(2))
    };
    two_disconnects_and_refresh: within(Budget { disconnects: 2, ..REFRESH }.any_faults(1));
    login_and_refresh: within(login(REFRESH).any_faults(1));
    login_and_refresh_with_account_revocation: Bounds {
        revocation: Revocation::Account,
        ..within(login(REFRESH).any_faults(1))
    };
    adoption_and_refresh: within(Budget { adoptions: 1, ..REFRESH }.any_faults(1));
    adoption_and_disconnect: within(
        disconnect(Budget { adoptions: 1, ..NONE }).any_faults(1),
    );
    adoption_and_login: within(login(Budget { adoptions: 1, ..NONE }).any_faults(1));
    login_and_disconnect: within(login(disconnect(NONE)).any_faults(2));
    login_and_disconnect_with_account_revocation: Bounds {
        revocation: Revocation::Account,
        ..within(login(disconnect(NONE)).any_faults(2))
    };
    login_and_disconnect_with_pauses: Bounds {
        revocation: Revocation::Account,
        pauses: true,
        ..within(login(disconnect(NONE)).any_faults(1))
    };
    two_logins_and_disconnect: Bounds {
        connected: false,
        ..within(disconnect(Budget { logins: 2, ..NONE }).any_faults(1))
    };
    refresh_login_and_disconnect: within(login(disconnect(REFRESH)));
    refresh_login_and_disconnect_without_revocation: Bounds {
        revocation: Revocation::Nothing,
        ..within(login(disconnect(REFRESH)).any_faults(1))
    };
    callback_that_comes_twice: Bounds {
        connected: false,
        ..within(callback(NONE).any_faults(2))
    };
    callback_that_comes_twice_to_a_connected_account: within(callback(NONE).any_faults(2));
    callback_that_comes_twice_with_renewal: Bounds {
        connected: false,
        ..within(callback(Budget { renewals: 1, ..NONE }).any_faults(1))
    };
    callback_that_comes_twice_and_disconnect: Bounds {
        connected: false,
        ..within(callback(disconnect(NONE)).any_faults(1))
    };
    callback_that_comes_twice_by_three_processes: Bounds {
        connected: false,
        budget: Budget { callbacks: 2, ..callback(NONE) }.any_faults(1),
        ..THREE
    };
    callback_that_comes_twice_and_refresh: within(callback(REFRESH).any_faults(1));
    callback_after_another_login: within(Budget { logins: 2, ..callback(NONE) });
    callback_after_another_login_by_three_processes: Bounds {
        budget: Budget { logins: 2, ..callback(NONE) },
        ..THREE
    };
    callback_and_adoption: within(callback(Budget { adoptions: 1, ..NONE }).any_faults(1));
    tombstone_expiry:
        within(disconnect(Budget { expiries: 1, drops: 1, ..REFRESH }).any_faults(1));
    tombstone_expiry_before_login:
        within(login(disconnect(Budget { expiries: 1, drops: 1, ..NONE })).any_faults(1));
    forget_and_refresh: within(forget(REFRESH).any_faults(2));
    forget_and_refresh_without_revocation: Bounds {
        revocation: Revocation::Nothing,
        ..within(forget(REFRESH).any_faults(2))
    };
    forget_and_refresh_with_idle_drop: within(forget(Budget { drops: 1, ..REFRESH }).any_faults(1));
    forget_and_login: within(login(forget(NONE)).any_faults(2));
    forget_and_login_with_account_revocation: Bounds {
        revocation: Revocation::Account,
        ..within(login(forget(NONE)).any_faults(1))
    };
    forget_and_disconnect: within(disconnect(forget(NONE)).any_faults(2));
    two_forgets_and_refresh: within(Budget { forgets: 2, ..REFRESH }.any_faults(1));
    forget_and_adoption: within(forget(Budget { adoptions: 1, ..NONE }).any_faults(1));
    forget_and_callback_that_comes_twice: Bounds {
        connected: false,
        ..within(callback(forget(NONE)).any_faults(1))
    };
    forget_refresh_and_disconnect: within(disconnect(forget(REFRESH)));
    expiry_of_the_mark_of_a_forgotten_account:
        within(login(forget(Budget { expiries: 1, drops: 1, ..NONE })).any_faults(1));
    forget_with_shutdown: within(forget(Budget { closings: 1, ..REFRESH }).any_faults(1));
    forget_and_refresh_by_three_processes: Bounds {
        budget: forget(REFRESH).any_faults(1),
        ..THREE
    };
    login_over_an_unreadable_record: within(damage(login(NONE)).any_faults(1));
    login_and_refresh_over_an_unreadable_record: within(damage(login(REFRESH)));
    refresh_over_an_unreadable_record: within(damage(REFRESH).any_faults(1));
    adoption_over_an_unreadable_record:
        within(damage(Budget { adoptions: 1, ..REFRESH }));
    forget_over_an_unreadable_record: within(damage(forget(REFRESH)));
    callback_that_comes_twice_over_an_unreadable_record: within(damage(callback(NONE)));
    login_over_an_unreadable_record_of_an_unknown_account:
        within(damage(login(Budget { drops: 2, ..NONE })));
    changes_with_shutdown: Bounds {
        budget: login(disconnect(Budget { closings: 1, ..REFRESH })),
        ..TWO
    };
    changes_with_shutdown_and_account_revocation: Bounds {
        revocation: Revocation::Account,
        budget: login(disconnect(Budget { closings: 1, ..NONE })).any_faults(1),
        ..TWO
    };
    two_adoptions_and_disconnect: within(disconnect(Budget { adoptions: 2, ..NONE }));
    login_and_disconnect_by_three_processes: Bounds {
        budget: login(disconnect(NONE)).any_faults(1),
        ..THREE
    };
    refresh_and_disconnect_by_three_processes: Bounds {
        budget: disconnect(REFRESH).any_faults(1),
        ..THREE
    };
    all_changes_with_account_revocation: Bounds {
        revocation: Revocation::Account,
        budget: login(disconnect(Budget { adoptions: 1, ..NONE })).any_faults(1),
        ..TWO
    };
}
