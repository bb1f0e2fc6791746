//! The parts without a burst on a whole store.

use std::time::Duration;

use super::{Sizes, bursts::ONE};
use crate::{
    finding::Finding, outage::Outage, provider::Provider, report::Report, rest::Rest,
    testbed::Kind, watch::Watch,
};

pub(super) async fn rest(sizes: &Sizes, provider: &Provider, report: &mut Report) {
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        let rest = Rest {
            kind,
            accounts: sizes.accounts[0],
            time: sizes.rest,
        };
        let Some(minute) = rest.run(provider).await else {
            continue;
        };
        rows.push(vec![
            kind.to_string(),
            rest.accounts.to_string(),
            format!("{:.0}", minute.round_trips),
            format!("{:.2} s", minute.server_cpu),
            format!("{:.2} s", minute.worker_cpu),
            format!("{:.0}", minute.wake_ups),
        ]);
        let by = "scripts/bench-fleet rest";
        report.findings.push(match kind {
            Kind::Redis => continue,
            Kind::Cluster => Finding {
                what: "a worker at rest, a cluster of three".to_owned(),
                before: "3,836 round trips a minute",
                goal: "grows with masters, not with 64 buckets: at most 600",
                measured: format!("{:.0}", minute.round_trips),
                reached: minute.round_trips <= 600.0,
                by,
            },
            Kind::Sqlite => Finding {
                what: "a worker at rest, SQLite".to_owned(),
                before: "50 wake-ups a second, 0.3 s of processor time a minute",
                goal: "0.1 s a minute",
                measured: format!(
                    "{:.2} s, {:.1} wake-ups a second",
                    minute.worker_cpu,
                    minute.wake_ups / 60.0
                ),
                reached: minute.worker_cpu <= 0.1,
                by,
            },
        });
    }
    let columns = [
        "store",
        "accounts",
        "round trips a minute",
        "Redis's processor time a minute",
        "the worker's",
        "its wake-ups a minute",
    ];
    report.table("rest", &columns, &rows);
}

pub(super) async fn outage(sizes: &Sizes, provider: &Provider, report: &mut Report) {
    let outage = Outage {
        backlog: sizes.outage,
        workers: 1,
        concurrency: 8,
        latency: ONE.latency,
    };
    let Some(outcome) = outage.run(provider).await else {
        return;
    };
    let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
    let columns = [
        "due at once",
        "on living masters",
        "of them refreshed",
        "time",
        "ideal",
        "longest pause",
        "presented again",
    ];
    let row = vec![
        outage.backlog.to_string(),
        outcome.living.to_string(),
        outcome.refreshed.to_string(),
        seconds(outcome.took),
        seconds(outcome.ideal),
        seconds(outcome.longest_pause),
        outcome.repeated.to_string(),
    ];
    report.table("outage", &columns, &[row]);
    report.findings.push(Finding {
        what: "one of three masters killed".to_owned(),
        before: "14 of 4,000 in 45 s",
        goal: "all on the living ones, within 15 % of the ideal time",
        measured: format!(
            "{} of {} in {}, {:.2} × the ideal",
            outcome.refreshed,
            outcome.living,
            seconds(outcome.took),
            outcome.took.as_secs_f64() / outcome.ideal.as_secs_f64()
        ),
        reached: outcome.refreshed == outcome.living && outcome.took <= outcome.ideal.mul_f64(1.15),
        by: "scripts/bench-fleet outage",
    });
}

pub(super) async fn watch(sizes: &Sizes, provider: &Provider, report: &mut Report) {
    let watch = Watch {
        accounts: sizes.used,
        settle: sizes.settle,
        time: sizes.watched,
    };
    let Some(gets) = watch.run(provider).await else {
        return;
    };
    let accounts = watch.accounts;
    let row = vec![accounts.to_string(), format!("{gets:.0}")];
    report.table("watch", &["accounts in use", "GETs a minute"], &[row]);
    report.findings.push(Finding {
        what: format!("{accounts} accounts in use, Redis with a live watch, nothing changes"),
        before: "a GET a minute for each",
        goal: "one in ten minutes",
        measured: format!("{:.2} a minute for each", gets / accounts as f64),
        reached: gets <= accounts as f64 * 0.12,
        by: "scripts/bench-fleet watch",
    });
}
