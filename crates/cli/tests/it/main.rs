//! The command as a separate process.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is how a test fails"
)]

mod browser;
mod config;
mod demo;
mod device;
#[cfg(target_os = "linux")]
mod disk;
mod doctor;
mod emulate;
mod generated;
mod interrupt;
mod keychain;
mod login;
mod password;
mod preset;
mod processes;
mod providers;
#[cfg(target_os = "linux")]
mod pty;
mod request;
mod run;
#[cfg(target_os = "linux")]
mod stdin;
mod store;
mod terminal;
mod token;
mod transfer;
mod worker;
mod world;

use std::process::{Command, Output, Stdio};

/// Makes the command with these arguments.
fn tokenkeeper(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenkeeper"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    tokenkeeper(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn help_names_the_commands() {
    let output = run(&["--help"]);
    assert!(output.status.success());
    let help = text(&output.stdout);
    assert!(help.contains("demo") && help.contains("emulate"), "{help}");
}

#[test]
fn without_a_command_it_prints_its_usage() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("Usage: tokenkeeper"));
}

#[test]
fn unknown_arguments_are_refused() {
    for (arguments, named) in [
        (vec!["serve"], "serve"),
        (vec!["demo", "--xml"], "--xml"),
        (vec!["emulate"], "<PROVIDER>"),
        (vec!["emulate", "githug"], "github"),
        (vec!["emulate", "nosuch"], "qics-milestones"),
        (vec!["emulate", "amiqus", "--port", "70000"], "70000"),
        (vec!["emulate", "amiqus", "--port"], "--port"),
    ] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let error = text(&output.stderr);
        assert!(error.contains(named), "{arguments:?}: {error}");
    }
}
