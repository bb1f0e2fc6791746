//! What the demo found: a table, or one JSON object.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use tokenkeeper_emulator::Counters;

use super::{
    promise::{self, Counted, Promise, Step},
    provider::Provider,
};

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    providers: Vec<Row>,
    pub(crate) ok: bool,
}

/// One provider through one front.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    provider: &'static str,
    front: &'static str,
    steps: Vec<StepReport>,
    /// What went wrong beside the steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    pub(crate) ok: bool,
}

/// One step: what was asked for, and what the emulator saw of it.
#[derive(Debug)]
pub(crate) struct StepReport {
    promise: &'static Promise,
    counts: Vec<Count>,
    problem: Option<String>,
}

#[derive(Debug)]
struct Count {
    what: Counted,
    seen: u64,
    promised: u64,
}

impl Report {
    pub(crate) fn of(providers: Vec<Row>) -> Self {
        let ok = providers.iter().all(|row| row.ok);
        Self { providers, ok }
    }
}

impl Row {
    pub(crate) fn new(
        provider: &'static str,
        front: &'static str,
        steps: Vec<StepReport>,
        problem: Option<String>,
    ) -> Self {
        let ok = problem.is_none() && steps.iter().all(StepReport::is_ok);
        Self {
            provider,
            front,
            steps,
            problem,
            ok,
        }
    }
}

impl StepReport {
    pub(crate) fn new(
        promise: &'static Promise,
        provider: Provider,
        counters: &Counters,
        problem: Option<String>,
    ) -> Self {
        let counts = promise.counts.iter().map(|&(what, promised)| {
            let seen = what.seen(counters, provider);
            Count {
                what,
                seen,
                promised,
            }
        });
        let problem = problem.or_else(|| misuse(counters));
        Self {
            promise,
            counts: counts.collect(),
            problem,
        }
    }

    fn is_ok(&self) -> bool {
        self.problem.is_none() && self.counts.iter().all(Count::is_kept)
    }

    /// What stands in the table: the requests, and what they led to.
    fn cell(&self) -> String {
        let main = match self.promise.step {
            Step::Authorize => Counted::AuthorizeRequests,
            Step::Revoke => Counted::Revocations,
            _ => Counted::TokenRequests,
        };
        let seen = self.counts.iter().find(|count| count.what == main);
        let seen = seen.map_or(0, |count| count.seen);
        let mark = if self.is_ok() { "" } else { " !" };
        match self.promise.step {
            Step::Authorize | Step::Revoke => format!("{seen}{mark}"),
            _ => format!("{}→{seen}{mark}", self.promise.requests),
        }
    }

    /// What is wrong, a line each.
    fn complaints(&self) -> impl Iterator<Item = String> + '_ {
        let broken = self.counts.iter().filter(|count| !count.is_kept());
        let broken = broken.map(|count| {
            format!(
                "{} {}, promised {}",
                count.seen,
                count.what.name(),
                count.promised
            )
        });
        self.problem.iter().cloned().chain(broken)
    }
}

impl Count {
    fn is_kept(&self) -> bool {
        self.seen == self.promised
    }
}

/// What holds in every step.
fn misuse(counters: &Counters) -> Option<String> {
    if counters.max_concurrent_presentations > 1 {
        return Some("a refresh token was presented twice at once".to_owned());
    }
    let again = counters.presented_after_answer() > 0;
    again.then(|| "a refresh token was presented after its answer".to_owned())
}

impl Serialize for StepReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("step", self.promise.step.name())?;
        map.serialize_entry("requests", &self.promise.requests)?;
        for count in &self.counts {
            map.serialize_entry(count.what.name(), &count.seen)?;
        }
        if !self.is_ok() {
            map.serialize_entry("problems", &self.complaints().collect::<Vec<_>>())?;
        }
        map.serialize_entry("ok", &self.is_ok())?;
        map.end()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![head(0), head(1)];
        lines.extend(self.providers.iter().map(Row::cells));
        let width = |column: usize| {
            let cells = lines.iter().map(|line| line[column].chars().count());
            cells.max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
        for line in &lines {
            let cells = line
                .iter()
                .zip(&widths)
                .map(|(cell, &width)| format!("{cell:width$}"));
            let cells: Vec<String> = cells.collect();
            writeln!(f, "{}", cells.join("  ").trim_end())?;
        }
        writeln!(f, "\n{LEGEND}")?;
        for row in &self.providers {
            row.complain(f)?;
        }
        f.write_str(if self.ok {
            "Every count is what is promised.\n"
        } else {
            "Not every count is what is promised.\n"
        })
    }
}

const LEGEND: &str = "\
As the emulators counted: n→m is n calls of the application and m token requests; authorize is authorization requests, revoke is
revocations. All calls were served, but for those whose answer was lost or whose user revoked: these ask for a new login.";

impl Row {
    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.provider.to_owned(), self.front.to_owned()];
        cells.extend(promise::columns().map(|column| {
            let step = self
                .steps
                .iter()
                .find(|step| std::ptr::eq(step.promise, column));
            step.map_or_else(|| "-".to_owned(), StepReport::cell)
        }));
        cells
    }

    fn complain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (provider, front) = (self.provider, self.front);
        for step in &self.steps {
            for complaint in step.complaints() {
                writeln!(
                    f,
                    "{provider} over {front}, {}: {complaint}",
                    step.promise.step.name()
                )?;
            }
        }
        if let Some(problem) = &self.problem {
            writeln!(f, "{provider} over {front}: {problem}")?;
        }
        Ok(())
    }
}

/// One of the two lines of the table's head.
fn head(line: usize) -> Vec<String> {
    let names = promise::columns().map(|promise| promise.step.name());
    ["provider", "front"]
        .into_iter()
        .chain(names)
        .map(|name| {
            let (first, second) = name.split_once('_').unwrap_or((name, ""));
            [first, second][line].to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests;
