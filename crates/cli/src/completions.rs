//! `tokenkeeper completions`.

use std::process::ExitCode;

use clap::Command;
use clap_complete::{Shell, generate};

use crate::{BoxError, output};

/// Prints the completions of a shell
///
/// Examples:
///   tokenkeeper completions bash > ~/.local/share/bash-completion/completions/tokenkeeper
///   tokenkeeper completions fish > ~/.config/fish/completions/tokenkeeper.fish
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments, mut command: Command) -> Result<ExitCode, BoxError> {
    // The generator panics if the reader is gone, as after `| head`.
    let mut script = Vec::new();
    generate(arguments.shell, &mut command, "tokenkeeper", &mut script);
    output::bytes(&script)?;
    Ok(ExitCode::SUCCESS)
}
