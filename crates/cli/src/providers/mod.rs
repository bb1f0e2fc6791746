//! `tokenkeeper providers`: what can be configured.

mod known;
mod snippet;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use self::{known::Known, snippet::snippet};
use crate::{
    BoxError,
    config::read_dialect,
    exit::misconfigured,
    global::Global,
    output::{self, Field},
};

/// Lists the providers that a configuration can name: adapters and presets
///
/// With --json, each line has the object of one provider. For a provider that is not listed, write
/// a dialect file.
///
/// Examples:
///   tokenkeeper providers
///   tokenkeeper providers google
///   tokenkeeper providers show xero
///   tokenkeeper providers check my-provider.toml
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    /// List only those with this text in their name or site.
    #[arg(value_name = "FILTER")]
    filter: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows the dialect of a provider, and the section of a configuration for it
    ///
    /// The output is a dialect file, which you can change.
    ///
    /// Example: tokenkeeper providers show xero
    Show {
        /// The name of an adapter or a preset.
        name: String,
    },
    /// Checks a dialect file, TOML or JSON (by the ending `.json`)
    ///
    /// Errors name the line, and the exit status is 2.
    ///
    /// Example: tokenkeeper providers check my-provider.toml
    Check {
        /// The dialect file.
        file: PathBuf,
    },
}

pub(crate) fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    match arguments.command {
        None => list(arguments.filter.as_deref(), global.json)?,
        Some(Command::Show { name }) => show(&known::find(&name)?, global.json)?,
        Some(Command::Check { file }) => check(&file, global.json)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What is listed of a provider.
#[derive(Serialize)]
struct Row {
    provider: &'static str,
    kind: &'static str,
    /// Where it is, perhaps with placeholders for what each tenant has.
    site: Option<String>,
}

impl Row {
    fn of(known: &Known) -> Self {
        Self {
            provider: known.name,
            kind: known.kind(),
            site: known.site(),
        }
    }

    fn has(&self, filter: &str) -> bool {
        let has = |text: &str| text.to_lowercase().contains(&filter.to_lowercase());
        has(self.provider) || self.site.as_deref().is_some_and(has)
    }

    fn columns(&self) -> Vec<Field> {
        let site = self.site.as_deref();
        vec![
            Field::new("provider", self.provider),
            Field::new("kind", self.kind),
            Field::new("site", site.unwrap_or("a site for each tenant")),
        ]
    }
}

fn list(filter: Option<&str>, as_json: bool) -> Result<(), BoxError> {
    let rows = known::all()?;
    let rows = rows.iter().map(Row::of);
    let rows: Vec<_> = rows
        .filter(|row| filter.is_none_or(|filter| row.has(filter)))
        .collect();
    if let (true, Some(filter)) = (rows.is_empty(), filter) {
        let text = format!(
            "no adapter or preset has `{filter}` in its name or site: describe the provider in a \
             dialect file, and name it by `dialect` in the configuration"
        );
        return Err(misconfigured(text).into());
    }
    if as_json {
        return rows.iter().try_for_each(output::json);
    }
    let columns: Vec<_> = rows.iter().map(Row::columns).collect();
    Ok(output::table(&columns)?)
}

fn show(known: &Known, as_json: bool) -> Result<(), BoxError> {
    let snippet = snippet(known);
    if as_json {
        return output::json(&json!({
            "provider": known.name,
            "kind": known.kind(),
            "configuration": snippet,
            "dialect": known.dialect,
        }));
    }
    let dialect = match known.text {
        Some(text) => text.to_owned(),
        None => toml::to_string(&known.dialect)?,
    };
    let mut text = String::from(
        "# Register a client at the provider with a redirect URI on loopback, and add to the\n\
         # configuration:\n#\n",
    );
    for line in snippet.lines() {
        let line = format!("#     {line}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    Ok(output::line(&format!("{text}\n{}", dialect.trim_end()))?)
}

fn check(file: &PathBuf, as_json: bool) -> Result<(), BoxError> {
    let shown = file.display();
    let dialect = read_dialect(file)?;
    if as_json {
        return output::json(&json!({ "file": file, "brand": dialect.brand }));
    }
    Ok(output::line(&format!(
        "{shown} is a dialect, of `{}`",
        dialect.brand
    ))?)
}
