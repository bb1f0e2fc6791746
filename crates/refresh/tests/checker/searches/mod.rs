//! Searches: within their bounds they are exhaustive.

mod everyday;
mod wide;

use tokenkeeper_refresh::mutation::Mutation;

use super::{
    bounds::{Bounds, Budget, Reuse, Revocation},
    properties::Breach,
    search::explore,
    trace,
};

/// Two processes that know a connected account, at a provider that revokes and refuses what was redeemed.
const TWO: Bounds = Bounds {
    name: "two processes",
    procs: 2,
    reuse: Reuse::Refused,
    revocation: Revocation::Login,
    connected: true,
    pauses: false,
    budget: Budget::NONE,
};

const THREE: Bounds = Bounds { procs: 3, ..TWO };

const REFRESH: Budget = Budget {
    refreshes: 1,
    ..Budget::NONE
};

const REFRESH_TWICE: Budget = Budget {
    refreshes: 2,
    ..Budget::NONE
};

/// Explores everything within the bounds, and prints what it saw.
#[track_caller]
fn holds(name: &'static str, bounds: Bounds) {
    let bounds = Bounds { name, ..bounds };
    let report = explore(bounds, None);
    println!("{report}");
    if let Some((breach, events)) = &report.breach {
        let story = trace::tell(bounds, None, events);
        panic!("{breach:?} in {name}:\n{story}");
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
    let story = trace::tell(bounds, Some(mutation), events);
    println!(
        "{mutation:?} leads to {breach:?} ({} states):\n{story}",
        report.states
    );
    assert_eq!(*breach, expected);
}
