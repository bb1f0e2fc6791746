//! Searches: within their bounds they are exhaustive.

mod changes;
mod mutations;
mod refreshes;
mod wide;

use tokenkeeper_refresh::mutation::Mutation;

use super::{
    bounds::{Bounds, Budget, Reuse, Revocation},
    properties::Breach,
    search::explore,
    trace,
};

/// Two processes that know a connected account, at a provider that revokes and refuses what was
/// redeemed.
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

const fn within(budget: Budget) -> Bounds {
    Bounds { budget, ..TWO }
}

const fn login(budget: Budget) -> Budget {
    Budget {
        logins: 1,
        ..budget
    }
}

const fn disconnect(budget: Budget) -> Budget {
    Budget {
        disconnects: 1,
        ..budget
    }
}

/// One test for each search.
macro_rules! searches {
    ($($(#[$attribute:meta])* $name:ident: $bounds:expr;)*) => {
        $(
            #[test]
            $(#[$attribute])*
            fn $name() {
                super::holds(stringify!($name), $bounds);
            }
        )*
    };
}
use searches;

/// Explores everything within the bounds, and prints what it saw.
#[track_caller]
fn holds(name: &'static str, bounds: Bounds) {
    let bounds = Bounds { name, ..bounds };
    let report = explore(bounds, None);
    println!("{report}");
    if let Some((breach, events)) = &report.breach {
        let text = trace::tell(bounds, None, events);
        panic!("{breach:?} in {name}:\n{text}");
    }
    assert!(report.complete);
}

/// A protocol that is wrong in one place is found out.
#[track_caller]
fn found(mutation: Mutation, bounds: Bounds, expected: Breach) {
    let name = "broken";
    let bounds = Bounds { name, ..bounds };
    let report = explore(bounds, Some(mutation));
    let Some((breach, events)) = &report.breach else {
        panic!("{mutation:?} was not found:\n{report}");
    };
    let text = trace::tell(bounds, Some(mutation), events);
    println!(
        "{mutation:?} leads to {breach:?} ({} states):\n{text}",
        report.states
    );
    assert_eq!(*breach, expected);
}
