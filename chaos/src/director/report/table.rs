//! Tables with a column for each store.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
};

use super::StoreRun;

/// A table with a column for each store.
pub(super) struct Table<'a> {
    title: &'a str,
    runs: &'a [StoreRun],
}

impl<'a> Table<'a> {
    pub(super) fn new(title: &'a str, runs: &'a [StoreRun]) -> Self {
        Self { title, runs }
    }

    /// Writes the table, or nothing if there is no row.
    pub(super) fn write<C: Display>(
        &self,
        f: &mut fmt::Formatter<'_>,
        rows: impl IntoIterator<Item = (String, Vec<C>)>,
    ) -> fmt::Result {
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_none() {
            return Ok(());
        }
        let stores = self.runs.iter().map(|run| run.options.store.name());
        writeln!(f)?;
        write_row(f, self.title, stores)?;
        writeln!(f, "|{}", "---|".repeat(self.runs.len() + 1))?;
        for (name, cells) in rows {
            write_row(f, &name, cells)?;
        }
        Ok(())
    }
}

fn write_row<C: Display>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    cells: impl IntoIterator<Item = C>,
) -> fmt::Result {
    write!(f, "| {name} |")?;
    for cell in cells {
        write!(f, " {cell} |")?;
    }
    writeln!(f)
}

/// Adds up the counts by name, with a column for each run.
pub(super) fn tally(
    runs: &[StoreRun],
    counts: impl Fn(&StoreRun) -> Vec<(String, usize)>,
) -> BTreeMap<String, Vec<usize>> {
    let mut rows: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (column, run) in runs.iter().enumerate() {
        for (name, count) in counts(run) {
            rows.entry(name).or_insert_with(|| vec![0; runs.len()])[column] += count;
        }
    }
    rows
}
