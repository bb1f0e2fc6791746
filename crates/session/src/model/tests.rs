//! The searches of every test run. `scripts/check-model` runs wider ones.

use super::{
    bounds::{Bounds, Budget, Reuse},
    search::explore,
    trace,
};

fn holds(bounds: Bounds) {
    let report = explore(bounds, None);
    println!("{report}");
    if let Some((breach, events)) = &report.breach {
        panic!(
            "{breach:?} in {}:\n{}",
            bounds.name,
            trace::tell(bounds, None, events)
        );
    }
}

#[test]
fn two_processes_refresh() {
    holds(Bounds {
        name: "two processes refresh",
        procs: 2,
        reuse: Reuse::Refused,
        revokes: true,
        connected: true,
        budget: Budget {
            refreshes: 2,
            ..Budget::default()
        }
        .any_faults(1),
    });
}
