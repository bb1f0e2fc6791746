//! The searches, each exhaustive within its bounds.

mod changes;
mod devices;
mod mutations;
mod refreshes;
mod wide;

use tokenkeeper_refresh::mutation::Mutation;

use super::{
    bounds::{Bounds, Budget, Reuse, Revocation},
    properties::Violation,
    search::explore,
    trace,
};

/// Two processes that know a connected account, at a provider that revokes single logins and
/// refuses reuse.
const TWO: Bounds = Bounds {
    name: "two processes",
    procs: 2,
    reuse: Reuse::Refused,
    revocation: Revocation::Login,
    connected: true,
    old_token_dies: false,
    pauses: false,
    budget: Budget::NONE,
};

const THREE: Bounds = Bounds { procs: 3, ..TWO };

const NONE: Budget = Budget::NONE;

const REFRESH: Budget = Budget {
    refreshes: 1,
    ..NONE
};

const REFRESH_TWICE: Budget = Budget {
    refreshes: 2,
    ..NONE
};

/// A holder is paused past its lease, and the process that takes its attempt over may crash.
const AFTER_A_TAKEOVER: Budget = Budget {
    refreshes: 3,
    comparisons: 1,
    faults: 2,
    crashes: 1,
    pauses: 1,
    task_deaths: 1,
    lost_answers: 1,
    lost_requests: 1,
    ..NONE
};

const fn within(budget: Budget) -> Bounds {
    Bounds { budget, ..TWO }
}

const fn login(budget: Budget) -> Budget {
    Budget {
        logins: 1,
        ..budget
    }
}

/// A login whose callback arrives once more, at any process.
const fn callback(budget: Budget) -> Budget {
    Budget {
        logins: 1,
        callbacks: 1,
        ..budget
    }
}

/// A login by device code, whose person decides at the first or the second poll.
const fn device(budget: Budget) -> Budget {
    Budget {
        devices: 1,
        pending: 1,
        ..budget
    }
}

const fn disconnect(budget: Budget) -> Budget {
    Budget {
        disconnects: 1,
        ..budget
    }
}

const fn forget(budget: Budget) -> Budget {
    Budget {
        forgets: 1,
        ..budget
    }
}

/// A record that can no longer be read.
const fn damage(budget: Budget) -> Budget {
    Budget {
        damages: 1,
        failures: 4,
        ..budget
    }
}

/// Defines one test for each search.
macro_rules! searches {
    ($($(#[$attribute:meta])* $name:ident: $bounds:expr;)*) => {
        $(
            #[test]
            $(#[$attribute])*
            fn $name() {
                super::assert_holds(stringify!($name), $bounds);
            }
        )*
    };
}
use searches;

/// Explores all states within the bounds, and fails with a trace if a property is violated.
#[track_caller]
fn assert_holds(name: &'static str, bounds: Bounds) {
    let bounds = Bounds { name, ..bounds };
    let report = explore(bounds, None);
    println!("{report}");
    if let Some((violation, events)) = &report.violation {
        let text = trace::render(bounds, None, events);
        panic!("{violation:?} in {name}:\n{text}");
    }
    assert!(report.complete);
}

/// Checks that a mutation leads to the expected violation.
#[track_caller]
fn assert_finds(mutation: Mutation, bounds: Bounds, expected: Violation) {
    let name = "broken";
    let bounds = Bounds { name, ..bounds };
    let report = explore(bounds, Some(mutation));
    let Some((violation, events)) = &report.violation else {
        panic!("{mutation:?} was not found:\n{report}");
    };
    let text = trace::render(bounds, Some(mutation), events);
    println!(
        "{mutation:?} leads to {violation:?} ({} states):\n{text}",
        report.states
    );
    assert_eq!(*violation, expected);
}
