//! `login --user`: iOFFICE's direct code.

use tokenkeeper_emulator::{DEFAULT_USER, Emulator};

use crate::{text, world::World};

/// Starts an emulator of iOFFICE under the name `plain`.
async fn ioffice() -> World {
    let world = World::with(Emulator::ioffice()).await;
    world.reconfigure(|config| config.replace("\"rfc6749\"", "\"ioffice\""));
    world
}

const LOGIN: [&str; 5] = ["login", "plain", "--user", DEFAULT_USER, "--password-stdin"];

#[tokio::test(flavor = "multi_thread")]
async fn a_password_on_stdin_connects_the_account() {
    let world = ioffice().await;
    let output = world.run_with(&LOGIN, b"password\n");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "plain is connected.\n");
    assert_eq!(world.status(), 0);
    let call = world.run(&["request", "GET", &world.api()]);
    assert!(call.status.success(), "{}", text(&call.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_and_shown_nowhere() {
    let world = ioffice().await;
    for (password, code, named) in [
        ("hunter2", 3, "refused the user name or the password"),
        ("hunter2\u{e9}", 2, "password"),
        (" hunter2", 2, "password"),
        ("", 2, "password"),
    ] {
        let output = world.run_with(&LOGIN, password.as_bytes());
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(named), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    assert_eq!(world.status(), 3);
    assert_eq!(world.emulator.counters().token_requests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_does_not_answer_is_tried_again_later() {
    let world = ioffice().await;
    // It closes each connection, and no other test gets its port.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let site = format!("http://{}", taken.local_addr().unwrap());
    std::thread::spawn(move || taken.incoming().for_each(drop));
    world.reconfigure(|config| config.replace(world.emulator.base(), &site));
    let output = world.run_with(&LOGIN, b"password\n");
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{error}");
    assert!(error.contains("did not answer"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_provider_takes_no_password() {
    let world = World::start().await;
    let output = world.run_with(&LOGIN, b"password\n");
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("log in by the browser"), "{error}");
}

/// Without a terminal, stdin is read on demand only: it may hold something else.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_no_password_is_read() {
    let world = ioffice().await;
    let login = world.command(&LOGIN[..4]);
    let mut session = std::process::Command::new("setsid");
    session.arg(login.get_program()).args(login.get_args());
    session.env("TOKENKEEPER_CONFIG", world.path("config.toml"));
    session.stdout(std::process::Stdio::piped());
    session.stderr(std::process::Stdio::piped());
    let output = crate::world::feed(session, b"password\n");
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("--password-stdin"), "{error}");
    assert_eq!(world.status(), 3);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_asks_for_the_password_and_does_not_show_it() {
    let world = ioffice().await;
    let mut terminal = crate::pty::Terminal::start(&world.command(&LOGIN[..4]));
    terminal.wait_for(&format!("Password of {DEFAULT_USER}: "));
    terminal.type_hidden("password");
    let (status, shown) = terminal.end();
    assert!(status.success(), "{shown}");
    assert!(shown.contains("plain is connected."), "{shown}");
    assert!(!shown.contains("password"), "{shown}");
    assert_eq!(world.status(), 0);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_at_the_question_leaves_the_terminal_as_it_was() {
    use rustix::termios::LocalModes;

    let world = ioffice().await;
    let modes = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
    for (signal, code) in [(None, 130), (Some("-INT"), 130), (Some("-TERM"), 143)] {
        let mut terminal = crate::pty::Terminal::start(&world.command(&LOGIN[..4]));
        terminal.wait_for("Password of");
        match signal {
            None => terminal.type_key_hidden("\x03"),
            Some(signal) => terminal.signal_hidden(signal),
        }
        let (status, shown) = terminal.end();
        assert_eq!(status.code(), Some(code), "{signal:?}: {shown}");
        assert!(terminal.modes().contains(modes), "{signal:?}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_is_no_place_for_a_secret_on_stdin() {
    let world = ioffice().await;
    let set = ["keychain", "set", "github", "--stdin"];
    for (arguments, option) in [(&LOGIN[..], "--password-stdin"), (&set, "--stdin")] {
        let mut terminal = crate::pty::Terminal::start(&world.command(arguments));
        let (status, shown) = terminal.end();
        assert_eq!(status.code(), Some(2), "{shown}");
        assert!(shown.contains(&format!("leave out {option}")), "{shown}");
    }
}
