//! What happened around an account, for whoever has to find out why.

use super::{Evidence, Span, index::Index};
use crate::said::{Micros, Said};

/// How long before and after.
const AROUND: Micros = 15_000_000;

/// All that was said of an account, and done to those who said it, by time. With `at`, only what was near.
pub(crate) fn timeline(evidence: &Evidence, account: usize, at: Option<Micros>) -> String {
    let index = Index::of(evidence);
    let near = |time: Micros| at.is_none_or(|at| time.abs_diff(at) <= AROUND);
    let ours = |mark| index.owners.get(mark) == Some(&account);
    let mut rows: Vec<(Micros, String)> = Vec::new();
    for (name, life) in &evidence.lives {
        let mut involved = false;
        for line in &life.lines {
            let about = match &line.said {
                Said::Sent { mark, .. } => ours(mark),
                Said::Answered { send, .. } => {
                    let sending = index.sendings.get(&(name.clone(), *send));
                    sending.is_some_and(|sending| ours(&sending.mark))
                }
                Said::Put { account: of, .. }
                | Said::Login { account: of, .. }
                | Said::LoginOver { account: of, .. }
                | Said::Ending { account: of, .. }
                | Said::EndingOver { account: of, .. }
                | Said::Event { account: of, .. }
                | Said::Refused { account: of, .. }
                | Said::Audit { account: of, .. } => *of == account,
                Said::Shutdown { unwritten } => unwritten.contains(&account),
                Said::Stalled { .. } | Said::Ready => true,
                Said::Calls(_) => false,
            };
            if about && near(line.at) {
                involved = true;
                rows.push((line.at, format!("{name:>7}  {:?}", line.said)));
            }
        }
        if involved {
            rows.extend(
                life.killed
                    .map(|at| (at, format!("{name:>7}  === SIGKILL"))),
            );
            rows.extend(life.stops.iter().map(|stop| {
                let text = format!("{name:>7}  === stopped for {}", length(*stop));
                (stop.from, text)
            }));
        }
    }
    for shown in evidence.presentations.iter().filter(|s| ours(&s.mark)) {
        let text = format!("emulator {} {shown}", shown.mark);
        rows.push((shown.began, text));
    }
    for trouble in &evidence.troubles {
        let whom = trouble
            .slot
            .map_or_else(|| "all".to_owned(), |slot| format!("slot {slot}"));
        let text = format!(
            "   {whom}: === {} for {}",
            trouble.what,
            length(trouble.span)
        );
        rows.push((trouble.span.from, text));
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
