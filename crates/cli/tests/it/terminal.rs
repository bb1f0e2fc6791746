//! Output on terminals, and where it cannot be written.

use crate::{run, text, tokenkeeper, world::World};

#[test]
fn no_color_is_obeyed_even_where_colours_are_forced() {
    let shown = |variables: &[(&str, &str)]| {
        let mut command = tokenkeeper(&["providers", "xero"]);
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        command.envs(variables.iter().copied());
        text(&command.output().unwrap().stdout).to_owned()
    };
    assert!(shown(&[("CLICOLOR_FORCE", "1")]).contains("\x1b["));
    let plain = shown(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]);
    assert!(plain.contains("xero") && !plain.contains('\x1b'), "{plain}");
}

#[cfg(target_os = "linux")]
#[test]
fn output_to_a_full_disk_is_an_error() {
    let listings: [&[&str]; 4] = [
        &["providers"],
        &["providers", "xero", "--json"],
        &["providers", "show", "xero"],
        &["completions", "bash"],
    ];
    for arguments in listings {
        assert!(run(arguments).status.success(), "{arguments:?}");
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let output = tokenkeeper(arguments)
            .stdout(full.unwrap())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let error = text(&output.stderr);
        assert!(
            error.starts_with("error: No space left"),
            "{arguments:?}: {error}"
        );
    }
}

/// As `| head -1` leaves it: other programs are killed by SIGPIPE, which shells show as 141.
#[test]
fn a_reader_that_is_gone_ends_a_command_in_silence() {
    let commands: [&[&str]; 8] = [
        &["--help"],
        &["--version"],
        &["providers"],
        &["providers", "xero", "--json"],
        &["providers", "show", "xero"],
        &["completions", "zsh"],
        &["emulate", "plain"],
        &["demo", "--help"],
    ];
    for arguments in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = tokenkeeper(arguments).stdout(writer).output().unwrap();
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(141), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_gone_ends_commands_on_accounts() {
    let world = World::connected().await;
    let api = world.api();
    let commands: [&[&str]; 7] = [
        &["token", "plain"],
        &["token", "plain", "--format", "header"],
        &["token", "plain", "--json"],
        &["request", "GET", &api],
        &["status", "plain"],
        &["accounts"],
        &["keys"],
    ];
    for arguments in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = world.command(arguments).stdout(writer).output().unwrap();
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(141), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_shows_that_something_takes_long() {
    let world = World::connected().await;
    let before = world.token();
    world.emulator.expire_access_tokens();
    let gate = world
        .emulator
        .faults()
        .hold(tokenkeeper_emulator::Endpoint::Token);
    let mut terminal = crate::pty::Terminal::start(&world.command(&["refresh", "plain"]));
    terminal.wait_for("refreshing");
    gate.release();
    let (status, shown) = terminal.end();
    assert!(status.success(), "{shown}");
    assert!(shown.contains("healthy"), "{shown}");
    assert_ne!(world.token(), before);
}

/// A read of the terminal is in flight, and cannot be cancelled.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_login_on_a_terminal_ends_without_the_enter_key() {
    use tokenkeeper_emulator::{Emulator, PlainOptions};

    let options = PlainOptions::default().any_loopback_port();
    let world = World::with(Emulator::plain().options(options)).await;
    world.configure(&format!("redirect_uri = {:?}\n", crate::world::LOOPBACK));
    let login = world.command(&["login", "plain", "--no-browser"]);
    let mut terminal = crate::pty::Terminal::start(&login);
    let shown = terminal.wait_for("paste the address");
    let line = shown.lines().find(|line| line.trim().starts_with("http"));
    let location = crate::browser::approve(line.unwrap().trim());
    crate::browser::get(&location);
    let (status, shown) = terminal.end();
    assert!(status.success(), "{shown}");
    assert!(shown.contains("plain is connected."), "{shown}");
}
