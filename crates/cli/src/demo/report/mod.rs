//! The result of the demo: a table, or one JSON object.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use tokenkeeper_emulator::Counters;

use super::{
    expectation::{self, Counted, Expectation, Step},
    provider::Provider,
};

/// The result of a demo: a row for each provider and front.
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
    /// A problem outside the steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    pub(crate) ok: bool,
}

/// One step and its counts.
#[derive(Debug)]
pub(crate) struct StepReport {
    expectation: &'static Expectation,
    counts: Vec<Count>,
    problem: Option<String>,
}

/// A number that a provider counted, and the expected one.
#[derive(Debug)]
struct Count {
    what: Counted,
    seen: u64,
    expected: u64,
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
        expectation: &'static Expectation,
        provider: Provider,
        counters: &Counters,
        problem: Option<String>,
    ) -> Self {
        let counts = expectation.counts.iter().map(|&(what, expected)| {
            let seen = what.seen(counters, provider);
            Count {
                what,
                seen,
                expected,
            }
        });
        let problem = problem.or_else(|| forbidden_presentation(counters));
        Self {
            expectation,
            counts: counts.collect(),
            problem,
        }
    }

    fn is_ok(&self) -> bool {
        self.problem.is_none() && self.counts.iter().all(Count::is_met)
    }

    /// Returns the cell of the table: the calls and the requests that they caused.
    fn cell(&self) -> String {
        let main = match self.expectation.step {
            Step::Authorize => Counted::AuthorizeRequests,
            Step::Revoke => Counted::Revocations,
            _ => Counted::TokenRequests,
        };
        let seen = self.counts.iter().find(|count| count.what == main);
        let seen = seen.map_or(0, |count| count.seen);
        let mark = if self.is_ok() { "" } else { " !" };
        match self.expectation.step {
            Step::Authorize | Step::Revoke => format!("{seen}{mark}"),
            _ => format!("{}→{seen}{mark}", self.expectation.requests),
        }
    }

    /// Returns the problems, one line each.
    fn problems(&self) -> impl Iterator<Item = String> + '_ {
        let broken = self.counts.iter().filter(|count| !count.is_met());
        let broken = broken.map(|count| {
            format!(
                "{} {}, expected {}",
                count.seen,
                count.what.name(),
                count.expected
            )
        });
        self.problem.iter().cloned().chain(broken)
    }
}

impl Count {
    fn is_met(&self) -> bool {
        self.seen == self.expected
    }
}

/// Checks the rules that hold in every step.
fn forbidden_presentation(counters: &Counters) -> Option<String> {
    if counters.max_concurrent_presentations > 1 {
        return Some("a refresh token was presented twice at once".to_owned());
    }
    let again = counters.presented_after_answer() > 0;
    again.then(|| "a refresh token was presented after its response".to_owned())
}

impl Serialize for StepReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("step", self.expectation.step.name())?;
        map.serialize_entry("requests", &self.expectation.requests)?;
        for count in &self.counts {
            map.serialize_entry(count.what.name(), &count.seen)?;
        }
        if !self.is_ok() {
            map.serialize_entry("problems", &self.problems().collect::<Vec<_>>())?;
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
            row.write_problems(f)?;
        }
        f.write_str(if self.ok {
            "All counts are as expected.\n"
        } else {
            "Some counts are not as expected.\n"
        })
    }
}

const LEGEND: &str = "\
n→m: n calls by the application and m token requests, as counted by the emulators. authorize shows
authorization requests, revoke shows revocations. All calls succeeded, except after a lost response
or a revocation by the user: these ask for a new login.";

impl Row {
    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.provider.to_owned(), self.front.to_owned()];
        cells.extend(expectation::columns().map(|column| {
            let step = self
                .steps
                .iter()
                .find(|step| std::ptr::eq(step.expectation, column));
            step.map_or_else(|| "-".to_owned(), StepReport::cell)
        }));
        cells
    }

    fn write_problems(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (provider, front) = (self.provider, self.front);
        for step in &self.steps {
            for problem in step.problems() {
                writeln!(
                    f,
                    "{provider} over {front}, {}: {problem}",
                    step.expectation.step.name()
                )?;
            }
        }
        if let Some(problem) = &self.problem {
            writeln!(f, "{provider} over {front}: {problem}")?;
        }
        Ok(())
    }
}

/// Returns one of the two lines of the table's header.
fn head(line: usize) -> Vec<String> {
    let names = expectation::columns().map(|expectation| expectation.step.name());
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
