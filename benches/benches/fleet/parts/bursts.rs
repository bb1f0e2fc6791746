//! Bursts: by backlog, by workers and by accounts.

use std::time::Duration;

use tokenkeeper_benches::{Line, millis};

use super::{Sizes, table::table};
use crate::{
    burst::{Burst, Outcome},
    finding::Finding,
    provider::Provider,
    report::Report,
    testbed::Kind,
};

/// One worker of 8 refreshes at once, as by default.
pub(super) const ONE: Burst = Burst {
    kind: Kind::Redis,
    backlog: 0,
    idle: 0,
    others: 0,
    workers: 1,
    concurrency: 8,
    latency: Duration::from_millis(5),
};

pub(super) async fn backlog(sizes: &Sizes, provider: &Provider, report: &mut Report) {
    let mut outcomes = Vec::new();
    for &backlog in &sizes.backlogs {
        let others = (backlog / 10).clamp(1, 600);
        let burst = Burst {
            backlog,
            others,
            ..ONE
        };
        outcomes.extend(burst.run(provider).await);
    }
    let Some(last) = outcomes.last() else { return };
    table("backlog", &outcomes, report);
    let line = |name: &str, of: fn(&Outcome) -> f64| Line {
        name: name.to_owned(),
        points: outcomes
            .iter()
            .map(|outcome| (outcome.burst.backlog as f64, of(outcome).max(0.01)))
            .collect(),
    };
    report.plot(
        "backlog",
        "The time to refresh a backlog: one worker on Redis, 8 at once",
        ["accounts that are due at once", "seconds"],
        &[
            line("with a refresher", |it| it.took.as_secs_f64()),
            line("told which accounts", Outcome::ideal),
            line("the latest account of another provider", |it| {
                it.others.latest.as_secs_f64()
            }),
        ],
    );
    let by = "scripts/bench-fleet backlog";
    report.findings.extend([
        Finding {
            what: format!("{} due at once, one worker, Redis", last.burst.backlog),
            before: "176 s and 66 s for 60,000",
            goal: "within 15 % of the ideal time",
            measured: format!(
                "{:.1} s, {:.2} × the ideal {:.1} s{}",
                last.took.as_secs_f64(),
                last.over_ideal(),
                last.ideal(),
                left(last.left)
            ),
            reached: last.left == 0 && last.over_ideal() <= 1.15,
            by,
        },
        Finding {
            what: String::new(),
            before: "6–18 s at 20,000",
            goal: "not a second without a refresh",
            measured: format!("{:.2} s", last.longest_pause.as_secs_f64()),
            reached: last.longest_pause < Duration::from_secs(1),
            by,
        },
        Finding {
            what: format!(
                "{} accounts of another provider meanwhile",
                last.burst.others
            ),
            before: "350 of 600 expire",
            goal: "none expires; late by a few seconds at most",
            measured: format!(
                "{} expire; the latest by {:.1} s",
                last.others.expired,
                last.others.latest.as_secs_f64()
            ),
            reached: last.others.expired == 0 && last.others.latest < Duration::from_secs(5),
            by,
        },
    ]);
}

pub(super) async fn workers(sizes: &Sizes, provider: &Provider, report: &mut Report) {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for kind in Kind::ALL {
        for &workers in &sizes.workers {
            let burst = Burst {
                kind,
                workers,
                backlog: sizes.shared,
                latency: Duration::from_millis(20),
                ..ONE
            };
            outcomes.extend(burst.run(provider).await);
        }
    }
    table("workers", &outcomes, report);
    let of = |kind| outcomes.iter().filter(move |it| it.burst.kind == kind);
    let line = |name: &str, kind, cost: fn(&Outcome) -> f64| Line {
        name: name.to_owned(),
        points: of(kind)
            .map(|outcome| (outcome.burst.workers as f64, cost(outcome)))
            .collect(),
    };
    report.plot(
        "workers",
        "The cost of a refresh by the number of workers",
        ["workers", "µs of processor time a refresh"],
        &[
            line("Redis's, one server", Kind::Redis, Outcome::server_cpu),
            line("Redis's, a cluster", Kind::Cluster, Outcome::server_cpu),
            line("a worker's, Redis", Kind::Redis, Outcome::worker_cpu),
            line("a worker's, a cluster", Kind::Cluster, Outcome::worker_cpu),
            line("a worker's, SQLite", Kind::Sqlite, Outcome::worker_cpu),
        ],
    );
    let by = "scripts/bench-fleet workers";
    let repeated: usize = outcomes.iter().map(|outcome| outcome.repeated).sum();
    report.findings.push(Finding {
        what: "a refresh token presented twice, in all runs with several workers".to_owned(),
        before: "0",
        goal: "0",
        measured: repeated.to_string(),
        reached: repeated == 0,
        by,
    });
    for (kind, gets) in [(Kind::Redis, "3.2–3.8"), (Kind::Cluster, "–")] {
        let (Some(one), Some(most)) = (of(kind).next(), of(kind).next_back()) else {
            continue;
        };
        report.findings.extend([
            Finding {
                what: format!(
                    "{} due, {} workers, {kind}",
                    most.burst.backlog, most.burst.workers
                ),
                before: gets,
                goal: "at most 1.2 GETs a refresh",
                measured: format!("{:.2}", most.gets()),
                reached: most.gets() <= 1.2,
                by,
            },
            Finding {
                what: String::new(),
                before: "–",
                goal: "Redis's processor time a refresh at most 1.2 × that with one worker",
                measured: format!("{:.2} ×", most.server_cpu() / one.server_cpu()),
                reached: most.server_cpu() <= one.server_cpu() * 1.2,
                by,
            },
            Finding {
                what: String::new(),
                before: "4–34 ms",
                goal: "no script holds Redis for 2 ms",
                measured: format!("{:.1} ms", millis(most.counts.longest)),
                reached: most.counts.longest < Duration::from_millis(2),
                by,
            },
        ]);
    }
}

pub(super) async fn accounts(sizes: &Sizes, provider: &Provider, report: &mut Report) {
    let mut outcomes = Vec::new();
    for &idle in &sizes.accounts {
        let burst = Burst {
            idle,
            backlog: sizes.few,
            ..ONE
        };
        outcomes.extend(burst.run(provider).await);
    }
    let (Some(first), Some(last)) = (outcomes.first(), outcomes.last()) else {
        return;
    };
    table("accounts", &outcomes, report);
    let line = |name: &str, cost: fn(&Outcome) -> f64| Line {
        name: name.to_owned(),
        points: outcomes
            .iter()
            .map(|outcome| (outcome.burst.idle as f64, cost(outcome)))
            .collect(),
    };
    report.plot(
        "accounts",
        "The cost of a refresh by the number of accounts: one worker on Redis",
        [
            "accounts that are not due",
            "µs of processor time a refresh",
        ],
        &[
            line("Redis's", Outcome::server_cpu),
            line("the worker's", Outcome::worker_cpu),
        ],
    );
    report.findings.push(Finding {
        what: format!(
            "{} due among {} accounts, against {}",
            last.burst.backlog, last.burst.idle, first.burst.idle
        ),
        before: "no difference",
        goal: "Redis's processor time a refresh at most 1.2 ×",
        measured: format!("{:.2} ×", last.server_cpu() / first.server_cpu()),
        reached: last.server_cpu() <= first.server_cpu() * 1.2,
        by: "scripts/bench-fleet accounts",
    });
}

fn left(accounts: usize) -> String {
    if accounts == 0 {
        String::new()
    } else {
        format!("; {accounts} were left")
    }
}
