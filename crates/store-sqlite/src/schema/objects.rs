//! The comparison of a file's tables, indexes, views and triggers with those of this crate.

use std::collections::BTreeMap;
use std::mem;

use rusqlite::Connection;

use super::{ADDITIONS, MIGRATIONS};
use crate::fault::Fault;

/// How much of a name an error shows.
const SHOWN_CHARS: usize = 64;

/// The definition of each object, by kind and name.
type Objects = BTreeMap<(String, String), Definition>;

/// The table that an object belongs to, and its SQL, which automatic indexes lack.
#[derive(PartialEq, Eq)]
struct Definition {
    table: String,
    sql: Option<String>,
}

/// Fails if the file with this version of the schema has an object that is not ours.
///
/// A missing one is none of its business: additions come later, and the lack of a table fails
/// whatever needs it.
pub(super) fn expect_ours(connection: &Connection, version: u32) -> Result<(), Fault> {
    let ours = read(&reference(version)?)?;
    for (object, definition) in read(connection)? {
        if ours.get(&object) != Some(&definition) {
            return Err(Fault::UnknownObject(describe(&object)));
        }
    }
    Ok(())
}

/// Creates what the file may have.
fn reference(version: u32) -> Result<Connection, Fault> {
    let reference = Connection::open_in_memory()?;
    for migration in &MIGRATIONS[..version as usize] {
        reference.execute_batch(migration)?;
    }
    if version > 0 {
        reference.execute_batch(ADDITIONS)?;
    }
    // A person may have run it, and the tables of its statistics do nothing by themselves.
    reference.execute_batch("ANALYZE")?;
    Ok(reference)
}

fn read(connection: &Connection) -> Result<Objects, Fault> {
    let mut statement =
        connection.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema")?;
    let objects = statement.query_map((), |row| {
        let sql = row.get::<_, Option<String>>(3)?;
        let definition = Definition {
            table: row.get(2)?,
            sql: sql.as_deref().map(normalize),
        };
        Ok(((row.get(0)?, row.get(1)?), definition))
    })?;
    Ok(objects.collect::<rusqlite::Result<_>>()?)
}

/// Returns the SQL without comments and the order of its columns, in which versions of this crate
/// differ.
///
/// Ours has no quotes. SQL that hides text in them keeps a quote here, so it is never equal.
fn normalize(sql: &str) -> String {
    let sql = without_comments(sql);
    let words: Vec<_> = sql.split_ascii_whitespace().collect();
    let mut parts = parts(&words.join(" "));
    parts.sort_unstable();
    parts.join("\n")
}

/// Replaces each comment with a space.
fn without_comments(mut sql: &str) -> String {
    let mut rest = String::new();
    while let Some(start) = sql.find("--").into_iter().chain(sql.find("/*")).min() {
        rest.push_str(&sql[..start]);
        rest.push(' ');
        let comment = &sql[start + 2..];
        let end = if sql[start..].starts_with("--") {
            "\n"
        } else {
            "*/"
        };
        // SQLite, too, ends an open comment with the text.
        sql = comment.split_once(end).map_or("", |(_, after)| after);
    }
    rest + sql
}

/// Splits the SQL at its outermost parentheses, and what they hold at its commas.
fn parts(sql: &str) -> Vec<String> {
    let (mut parts, mut part, mut depth) = (Vec::new(), String::new(), 0_usize);
    for character in sql.chars() {
        if character == ')' {
            depth = depth.saturating_sub(1);
        }
        let is_end = match character {
            ',' => depth == 1,
            ')' => depth == 0,
            _ => false,
        };
        if is_end {
            parts.push(mem::take(&mut part));
        }
        part.push(character);
        if character == '(' {
            depth += 1;
            if depth == 1 {
                parts.push(mem::take(&mut part));
            }
        }
    }
    parts.push(part);
    let trimmed = parts
        .iter()
        .map(|part| part.trim_start_matches(',').trim().to_owned());
    trimmed.collect()
}

/// Returns the kind and the name of the object, which another program may have chosen.
fn describe((kind, name): &(String, String)) -> String {
    let name: String = name.chars().take(SHOWN_CHARS).collect();
    match kind.as_str() {
        "table" | "index" | "view" | "trigger" => format!("{kind} {name:?}"),
        _ => format!("object {name:?}"),
    }
}
