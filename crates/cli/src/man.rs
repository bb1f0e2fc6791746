//! `tokenkeeper man`.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::Command;
use serde_json::json;

use crate::{BoxError, exit::misconfigured, global::Global, output};

/// Writes a man page for each command into a folder
///
/// Example: tokenkeeper man ~/.local/share/man/man1
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The folder, which is made if it does not exist.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub(crate) fn run(
    arguments: &Arguments,
    command: Command,
    global: &Global,
) -> Result<ExitCode, BoxError> {
    let folder = &arguments.folder;
    let shown = folder.display();
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command, folder))
        .map_err(|error| {
            misconfigured(format!("no man pages can be written to {shown}: {error}"))
        })?;
    if global.json {
        output::json(&json!({ "folder": folder }))?;
    } else {
        output::note(&format!("The man pages are in {shown}."));
    }
    Ok(ExitCode::SUCCESS)
}
