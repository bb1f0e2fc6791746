//! The table of bursts.

use tokenkeeper_benches::millis;

use crate::{burst::Outcome, report::Report, testbed::Kind};

/// Writes a table of bursts.
pub(super) fn table(name: &str, outcomes: &[Outcome], report: &Report) {
    let columns = [
        "store",
        "accounts",
        "due at once",
        "workers",
        "refreshes a second",
        "ideal",
        "time over the ideal",
        "longest pause",
        "GETs a refresh",
        "scripts",
        "Redis's processor time",
        "the workers'",
        "longest script",
        "most by least of a worker",
        "presented again",
        "left",
    ];
    let rows: Vec<Vec<String>> = outcomes
        .iter()
        .map(|outcome| {
            let burst = outcome.burst;
            let server = |text: String| match burst.kind {
                Kind::Sqlite => "–".to_owned(),
                Kind::Redis | Kind::Cluster => text,
            };
            let done = (burst.backlog - outcome.left) as f64;
            vec![
                burst.kind.to_string(),
                (burst.backlog + burst.idle + burst.others).to_string(),
                burst.backlog.to_string(),
                burst.workers.to_string(),
                format!("{:.0}", done / outcome.took.as_secs_f64()),
                format!("{:.0}", outcome.ideal_rate),
                format!("{:.2} ×", outcome.over_ideal()),
                format!("{:.2} s", outcome.longest_pause.as_secs_f64()),
                server(format!("{:.2}", outcome.gets())),
                server(format!("{:.2}", outcome.scripts())),
                server(format!("{:.0} µs", outcome.server_cpu())),
                format!("{:.0} µs", outcome.worker_cpu()),
                server(format!("{:.1} ms", millis(outcome.counts.longest))),
                format!("{:.2}", outcome.unevenness),
                outcome.repeated.to_string(),
                outcome.left.to_string(),
            ]
        })
        .collect();
    report.table(name, &columns, &rows);
}
