//! The timeline of an account, for the analysis of a violation.

use super::{Evidence, Span, index::Index};
use crate::message::{Micros, WorkerEvent};

/// How much of the timeline to show before and after a moment.
const AROUND: Micros = 15_000_000;

/// Returns all events of an account and all faults of its workers, by time.
///
/// With `at`, only those near it.
pub(crate) fn timeline(evidence: &Evidence, account: usize, at: Option<Micros>) -> String {
    let index = Index::of(evidence);
    let near = |time: Micros| at.is_none_or(|at| time.abs_diff(at) <= AROUND);
    let ours = |token| index.owners.get(token) == Some(&account);
    let mut rows: Vec<(Micros, String)> = Vec::new();
    for (name, log) in &evidence.workers {
        let mut involved = false;
        for line in &log.lines {
            let about = match &line.event {
                WorkerEvent::RequestSent { token, .. } => ours(token),
                WorkerEvent::RequestAnswered { send, .. } => {
                    let request = index.requests.get(&(name.clone(), *send));
                    request.is_some_and(|request| ours(&request.token))
                }
                WorkerEvent::Put { account: of, .. }
                | WorkerEvent::LoginStarted { account: of, .. }
                | WorkerEvent::LoginFinished { account: of, .. }
                | WorkerEvent::DisconnectStarted { account: of, .. }
                | WorkerEvent::DisconnectFinished { account: of, .. }
                | WorkerEvent::Event { account: of, .. }
                | WorkerEvent::LoginRequired { account: of, .. }
                | WorkerEvent::Audit { account: of, .. } => *of == account,
                WorkerEvent::Shutdown { unwritten } => unwritten.contains(&account),
                WorkerEvent::Stalled { .. } | WorkerEvent::Ready => true,
                WorkerEvent::Calls(_) => false,
            };
            if about && near(line.at) {
                involved = true;
                rows.push((line.at, format!("{name:>7}  {:?}", line.event)));
            }
        }
        if involved {
            rows.extend(log.killed.map(|at| (at, format!("{name:>7}  === SIGKILL"))));
            rows.extend(log.stops.iter().map(|stop| {
                let text = format!("{name:>7}  === stopped for {}", length(*stop));
                (stop.from, text)
            }));
        }
    }
    for presentation in evidence.presentations.iter().filter(|s| ours(&s.token)) {
        let text = format!("emulator {} {presentation}", presentation.token);
        rows.push((presentation.began, text));
    }
    for disturbance in &evidence.disturbances {
        let whom = disturbance
            .slot
            .map_or_else(|| "all".to_owned(), |slot| format!("slot {slot}"));
        let text = format!(
            "   {whom}: === {} for {}",
            disturbance.what,
            length(disturbance.span)
        );
        rows.push((disturbance.span.from, text));
    }
    rows.retain(|(time, _)| near(*time));
    rows.sort();
    let first = rows.first().map_or(0, |(time, _)| *time);
    rows.iter()
        .map(|(time, text)| {
            let since = time - first;
            format!(
                "{:>4}.{:06}  {text}\n",
                since / 1_000_000,
                since % 1_000_000
            )
        })
        .collect()
}

fn length(span: Span) -> String {
    if span.to == u64::MAX {
        return "ever".into();
    }
    format!("{} ms", span.to.saturating_sub(span.from) / 1000)
}
