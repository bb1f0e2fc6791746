//! What commands print: tables for people, JSON for programs.

use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, Table, presets::NOTHING};
use serde::Serialize;

use crate::BoxError;

const GOOD: Style = AnsiColor::Green.on_default();
const POOR: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const TITLE: Style = Style::new().bold();

/// A named value.
pub(crate) struct Field {
    name: &'static str,
    value: String,
    style: Style,
}

impl Field {
    pub(crate) fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self {
            name,
            value: value.into(),
            style: Style::new(),
        }
    }

    /// Colours the value by a health.
    pub(crate) fn health(mut self, health: &str) -> Self {
        self.style = match health {
            "healthy" => GOOD,
            "failing" | "expired" | "unexplained" => POOR,
            _ => BAD,
        };
        self
    }

    /// Returns the value in its colour. What the store or a provider named forges no line.
    fn shown(&self) -> String {
        let style = self.style;
        format!("{style}{}{style:#}", printable(&self.value))
    }
}

/// Prints one record.
pub(crate) fn record(
    as_json: bool,
    value: &impl Serialize,
    fields: &[Field],
) -> Result<(), BoxError> {
    if as_json {
        return json(value);
    }
    let widest = fields
        .iter()
        .map(|field| field.name.len())
        .max()
        .unwrap_or(0);
    let mut out = anstream::stdout().lock();
    for field in fields {
        writeln!(
            out,
            "{TITLE}{:widest$}{TITLE:#}  {}",
            field.name,
            field.shown()
        )?;
    }
    Ok(())
}

/// Prints a table, a record in each row, with the names of the first one above.
pub(crate) fn table(rows: &[Vec<Field>]) -> io::Result<()> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(
        first
            .iter()
            .map(|field| Cell::new(field.name.to_uppercase())),
    );
    for row in rows {
        table.add_row(row.iter().map(|field| printable(&field.value)));
    }
    let mut out = anstream::stdout().lock();
    for (number, line) in table.lines().enumerate() {
        let style = if number == 0 { TITLE } else { Style::new() };
        writeln!(out, "{style}{}{style:#}", line.trim_end())?;
    }
    Ok(())
}

/// Prints a value as one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), BoxError> {
    let line = serde_json::to_string(value)?;
    writeln!(io::stdout().lock(), "{line}")?;
    Ok(())
}

/// Prints a line of the command's output.
pub(crate) fn line(text: &str) -> io::Result<()> {
    writeln!(anstream::stdout().lock(), "{text}")
}

/// Prints a note for the person, which is no output of the command.
pub(crate) fn note(text: &str) {
    // A terminal that is gone stops no command.
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Prints an error, and what it comes from.
pub(crate) fn error(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{BAD}error:{BAD:#} {text}");
}

/// Escapes what would control a terminal.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}
