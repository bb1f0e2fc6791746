//! A reader of the tables that the benches print.

use std::{fs, path::PathBuf};

/// A folder of files with tables, each named after its bench.
pub struct Tables(pub PathBuf);

impl Tables {
    /// Returns the number at the start of a cell.
    ///
    /// `row` is the row's first cells, `column` the name of the column.
    pub fn number(&self, file: &str, row: &[&str], column: &str) -> Option<f64> {
        self.cell(file, row, column, 0)
    }

    /// Returns the number in the column to the right of it, which holds the goal.
    pub fn goal(&self, file: &str, row: &[&str], column: &str) -> Option<f64> {
        self.cell(file, row, column, 1)
    }

    fn cell(&self, file: &str, row: &[&str], column: &str, offset: usize) -> Option<f64> {
        let text = fs::read_to_string(self.0.join(file)).ok()?;
        let mut columns = Vec::new();
        let mut before = Vec::new();
        for line in text.lines() {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            if line.starts_with("|---") {
                columns = before;
            } else if cells.starts_with(row)
                && let Some(place) = columns.iter().position(|name| *name == column)
            {
                let cell = cells.get(place + offset)?;
                return cell.split_whitespace().next()?.parse().ok();
            }
            before = cells;
        }
        None
    }
}
