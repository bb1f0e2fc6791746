//! The parts of a run: their sizes, tables, plots and goals.

mod bursts;
mod other;
mod table;

use std::time::Duration;

use tokenkeeper_benches::Scale;

use crate::{provider::Provider, report::Report};

/// The names of the parts.
pub(crate) const PARTS: [&str; 6] = ["backlog", "workers", "accounts", "rest", "outage", "watch"];

/// How much a run measures.
pub(crate) struct Sizes {
    backlogs: Vec<usize>,
    workers: Vec<usize>,
    /// The backlog of the runs with different numbers of workers.
    shared: usize,
    /// Accounts that are due in weeks.
    accounts: Vec<usize>,
    /// The backlog of the runs with different numbers of accounts.
    few: usize,
    rest: Duration,
    outage: usize,
    /// Accounts in use.
    used: usize,
    settle: Duration,
    watched: Duration,
}

impl Sizes {
    pub(crate) fn new(scale: Scale, backlog: Option<usize>, accounts: Option<usize>) -> Self {
        let few = scale == Scale::Test;
        let pick = |test: usize, quick: usize, whole: usize| match scale {
            Scale::Test => test,
            Scale::Quick => quick,
            Scale::Full => whole,
        };
        let seconds = |test, quick, whole| Duration::from_secs(pick(test, quick, whole) as u64);
        let most_due = backlog.unwrap_or(pick(40, 4_000, 60_000));
        let most = accounts.unwrap_or(pick(40, 10_000, 100_000));
        let steps = |most: usize| {
            let steps = if few { vec![1] } else { vec![30, 3, 1] };
            steps.into_iter().map(|part| (most / part).max(1)).collect()
        };
        Self {
            backlogs: steps(most_due),
            workers: if few { vec![1, 2] } else { vec![1, 2, 4] },
            shared: (most_due / 3).max(40),
            accounts: steps(most),
            few: (most_due / 20).max(40),
            rest: seconds(1, 10, 30),
            outage: (most_due / 10).max(60),
            used: most,
            // Accounts that are read before the watch is relied on are compared once more.
            settle: seconds(0, 140, 150),
            watched: seconds(1, 30, 90),
        }
    }
}

/// Measures one of [`PARTS`].
pub(crate) async fn measure(name: &str, sizes: &Sizes, provider: &Provider, report: &mut Report) {
    match name {
        "backlog" => bursts::backlog(sizes, provider, report).await,
        "workers" => bursts::workers(sizes, provider, report).await,
        "accounts" => bursts::accounts(sizes, provider, report).await,
        "rest" => other::rest(sizes, provider, report).await,
        "outage" => other::outage(sizes, provider, report).await,
        "watch" => other::watch(sizes, provider, report).await,
        _ => unreachable!("{name} is a part"),
    }
}
