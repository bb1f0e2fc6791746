//! The tables and plots of a run, written to files or printed.

use std::{fmt::Display, fs, path::PathBuf};

use tokenkeeper_benches::{Line, plot};

use crate::finding::Finding;

/// Where the results go.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// A folder for a file per table; otherwise the tables are printed.
    pub(crate) tables: Option<PathBuf>,
    /// A folder for the plots.
    pub(crate) plots: Option<PathBuf>,
    pub(crate) findings: Vec<Finding>,
}

impl Report {
    /// Writes a table: its columns, and its rows of as many cells.
    pub(crate) fn table(&self, name: &str, columns: &[&str], rows: &[Vec<String>]) {
        let mut text = row(columns);
        text.push_str(&format!("|{}\n", "---|".repeat(columns.len())));
        for cells in rows {
            text.push_str(&row(cells));
        }
        self.write(name, &text);
    }

    /// Draws the lines that have points.
    pub(crate) fn plot(&self, name: &str, title: &str, axes: [&str; 2], lines: &[Line]) {
        let drawn = |line: &&Line| !line.points.is_empty();
        let lines: Vec<Line> = lines.iter().filter(drawn).cloned().collect();
        if let Some(folder) = &self.plots
            && !lines.is_empty()
        {
            let [size, cost] = axes;
            let svg = plot(title, size, cost, &lines);
            let file = folder.join(format!("fleet-{name}.svg"));
            fs::write(file, svg).expect("the plot can be written");
        }
    }

    /// Writes the goals and their verdicts.
    pub(crate) fn finish(&self) {
        let lines = self.findings.iter().map(ToString::to_string);
        let lines: Vec<_> = [Finding::HEAD.to_owned()]
            .into_iter()
            .chain(lines)
            .collect();
        self.write("goals", &format!("{}\n", lines.join("\n")));
    }

    fn write(&self, name: &str, text: &str) {
        // A run that is cut off has shown what it measured.
        println!("{text}");
        if let Some(folder) = &self.tables {
            fs::write(folder.join(name), text).expect("the table can be written");
        }
    }
}

fn row(cells: &[impl Display]) -> String {
    let cells: String = cells.iter().map(|cell| format!(" {cell} |")).collect();
    format!("|{cells}\n")
}
