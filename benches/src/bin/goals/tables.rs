//! Reads the tables that the benches print.

use std::{fs, path::PathBuf};

/// A folder of files with tables.
pub struct Tables(pub PathBuf);

impl Tables {
    /// The number that a cell begins with: in this file, in the row whose first cells are these, in the column of this name.
    pub fn number(&self, file: &str, row: &[&str], column: &str) -> Option<f64> {
        self.cell(file, row, column, 0)
    }

    /// The same of the column to the right of it, which holds its goal.
    pub fn goal(&self, file: &str, row: &[&str], column: &str) -> Option<f64> {
        self.cell(file, row, column, 1)
    }

    fn cell(&self, file: &str, row: &[&str], column: &str, beside: usize) -> Option<f64> {
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
                let cell = cells.get(place + beside)?;
                return cell.split_whitespace().next()?.parse().ok();
            }
            before = cells;
        }
        None
    }
}
