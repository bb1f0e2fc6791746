//! What commands print: tables for people, JSON for programs.

use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, Table, presets::NOTHING};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::BoxError;

const GOOD: Style = AnsiColor::Green.on_default();
const POOR: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const TITLE: Style = Style::new().bold();

/// Standard output cannot be written: its reader is gone, or the disk is full.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct OutputError(#[from] io::Error);

impl OutputError {
    /// Returns whether the reader is gone, as after `| head`.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

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
        let line = format!("{TITLE}{:widest$}{TITLE:#}  {}", field.name, field.shown());
        writeln!(out, "{line}").map_err(OutputError)?;
    }
    Ok(())
}

/// Prints a table, a record in each row, with the names of the first one above.
pub(crate) fn table(rows: &[Vec<Field>]) -> Result<(), OutputError> {
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
    Ok(bytes(&json_line(value)?)?)
}

/// Writes a value as one line of JSON. It may hold tokens, so the copy is wiped.
pub(crate) fn json_line(value: &impl Serialize) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    // Measured first: a vector that grows on its own leaves copies behind.
    let mut length = Length(0);
    serde_json::to_writer(&mut length, value)?;
    let mut line = Zeroizing::new(Vec::with_capacity(length.0 + 1));
    serde_json::to_writer(&mut *line, value)?;
    line.push(b'\n');
    Ok(line)
}

/// Counts what is written to it.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Prints the parts of a text that holds a token, and wipes the copy.
pub(crate) fn secret(parts: &[&[u8]]) -> Result<(), OutputError> {
    bytes(&Zeroizing::new(parts.concat()))
}

/// Prints a line of the command's output.
pub(crate) fn line(text: &str) -> Result<(), OutputError> {
    Ok(writeln!(anstream::stdout().lock(), "{text}")?)
}

/// Prints a text as it is.
pub(crate) fn bytes(text: &[u8]) -> Result<(), OutputError> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    // What waits for the end of its line is written at the process's end, where no one looks.
    Ok(out.flush()?)
}

/// Prints a note for the person, which is no output of the command.
pub(crate) fn note(text: &str) {
    note_part(&format!("{text}\n"));
}

/// Prints a part of a note's line.
pub(crate) fn note_part(text: &str) {
    // A terminal that is gone stops no command.
    let _ = write!(anstream::stderr().lock(), "{text}");
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
