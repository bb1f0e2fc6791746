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

const REUSES: [Reuse; 4] = [
    Reuse::Refused,
    Reuse::EndsFamily,
    Reuse::SamePair,
    Reuse::FreshPair,
];

#[test]
#[ignore]
fn try_out() {
    let env =
        |name: &str, default: u8| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let bounds = Bounds {
        name: "try out",
        procs: env("P", 2).into(),
        reuse: REUSES[usize::from(env("REUSE", 0))],
        revokes: env("REVOKES", 1) == 1,
        connected: env("C", 1) == 1,
        budget: Budget {
            refreshes: env("R", 0),
            validations: env("V", 0),
            logins: env("L", 0),
            adoptions: env("A", 0),
            disconnects: env("D", 0),
            ..Budget::default()
        }
        .any_faults(env("F", 1)),
    };
    holds(bounds);
}
