//! Logins, adoptions and disconnects, in every test run.

use super::{
    super::bounds::{Bounds, Budget, Revocation},
    NONE, REFRESH, THREE, TWO, disconnect, login, searches, within,
};

searches! {
    a_disconnect_meets_a_refresh: within(disconnect(REFRESH).any_faults(2));
    a_disconnect_meets_a_refresh_without_revocation: Bounds {
        revocation: Revocation::Nothing,
        ..within(disconnect(REFRESH).any_faults(2))
    };
    a_disconnect_meets_a_refresh_and_pauses: Bounds {
        pauses: true,
        ..within(disconnect(REFRESH).any_faults(2))
    };
    two_disconnects_meet_a_refresh: within(Budget { disconnects: 2, ..REFRESH }.any_faults(1));
    a_login_meets_a_refresh: within(login(REFRESH).any_faults(1));
    a_login_meets_a_refresh_where_a_revocation_ends_all: Bounds {
        revocation: Revocation::Account,
        ..within(login(REFRESH).any_faults(1))
    };
    an_adoption_meets_a_refresh: within(Budget { adoptions: 1, ..REFRESH }.any_faults(1));
    an_adoption_meets_a_disconnect: within(
        disconnect(Budget { adoptions: 1, ..NONE }).any_faults(1),
    );
    an_adoption_meets_a_login: within(login(Budget { adoptions: 1, ..NONE }).any_faults(1));
    a_login_meets_a_disconnect: within(login(disconnect(NONE)).any_faults(2));
    a_login_meets_a_disconnect_where_a_revocation_ends_all: Bounds {
        revocation: Revocation::Account,
        ..within(login(disconnect(NONE)).any_faults(2))
    };
    a_login_meets_a_disconnect_and_pauses: Bounds {
        revocation: Revocation::Account,
        pauses: true,
        ..within(login(disconnect(NONE)).any_faults(1))
    };
    two_logins_and_a_disconnect: Bounds {
        connected: false,
        ..within(disconnect(Budget { logins: 2, ..NONE }).any_faults(1))
    };
    a_refresh_a_login_and_a_disconnect: within(login(disconnect(REFRESH)));
    a_refresh_a_login_and_a_disconnect_without_revocation: Bounds {
        revocation: Revocation::Nothing,
        ..within(login(disconnect(REFRESH)).any_faults(1))
    };
    a_tombstone_expires:
        within(disconnect(Budget { expiries: 1, drops: 1, ..REFRESH }).any_faults(1));
    a_tombstone_expires_before_a_login:
        within(login(disconnect(Budget { expiries: 1, drops: 1, ..NONE })).any_faults(1));
    an_engine_closes_over_changes: Bounds {
        budget: login(disconnect(Budget { closings: 1, ..REFRESH })),
        ..TWO
    };
    an_engine_closes_where_a_revocation_ends_all: Bounds {
        revocation: Revocation::Account,
        budget: login(disconnect(Budget { closings: 1, ..NONE })).any_faults(1),
        ..TWO
    };
    two_adoptions_meet_a_disconnect: within(disconnect(Budget { adoptions: 2, ..NONE }));
    three_processes_meet_a_login_and_a_disconnect: Bounds {
        budget: login(disconnect(NONE)).any_faults(1),
        ..THREE
    };
    three_processes_meet_a_refresh_and_a_disconnect: Bounds {
        budget: disconnect(REFRESH).any_faults(1),
        ..THREE
    };
    all_changes_where_a_revocation_ends_all: Bounds {
        revocation: Revocation::Account,
        budget: login(disconnect(Budget { adoptions: 1, ..NONE })).any_faults(1),
        ..TWO
    };
}
