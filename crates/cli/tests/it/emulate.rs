//! `tokenkeeper emulate`.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use crate::{run, text, tokenkeeper};

const PROVIDERS: [&str; 5] = [
    "amiqus",
    "qics-milestones",
    "fortes-milestones",
    "ioffice",
    "plain",
];

/// A running emulator and its output.
pub struct Emulator {
    process: Child,
    printed: String,
}

impl Emulator {
    pub fn start(arguments: &[&str]) -> Self {
        Self::try_start(arguments).expect("it starts")
    }

    /// Starts it. `None`: it has stopped, and its reason is on stderr.
    fn try_start(arguments: &[&str]) -> Option<Self> {
        let arguments = [&["emulate"], arguments].concat();
        let mut process = tokenkeeper(&arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut printed = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        while !printed.contains("Ctrl-C") {
            if output.read_line(&mut printed).unwrap() == 0 {
                let _ = process.wait();
                return None;
            }
        }
        Some(Self { process, printed })
    }

    /// Returns the value printed after a name.
    pub fn named(&self, name: &str) -> &str {
        let mut lines = self.printed.lines();
        lines
            .find_map(|line| line.strip_prefix(name))
            .expect(name)
            .trim()
    }

    /// Returns the status of a GET without a token.
    fn status_of(&self, url: &str) -> u16 {
        let (host, path) = url
            .strip_prefix("http://")
            .unwrap()
            .split_once('/')
            .unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        write!(
            stream,
            "GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Returns the printed commands, without comments.
    fn commands(&self) -> String {
        let lines = self
            .printed
            .lines()
            .skip_while(|line| !line.starts_with("code="));
        let lines = lines.take_while(|line| !line.is_empty());
        lines
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn it_prints_its_urls_and_responds_there() {
    for provider in PROVIDERS {
        let emulator = Emulator::start(&[provider]);
        assert!(
            emulator
                .named("authorize")
                .starts_with(emulator.named("base"))
        );
        assert_eq!(emulator.status_of(emulator.named("API")), 401, "{provider}");
        let page = emulator
            .printed
            .lines()
            .find_map(|line| line.strip_prefix("#   http"))
            .unwrap();
        assert_eq!(
            emulator.status_of(&format!("http{page}")),
            200,
            "{provider}"
        );
    }
}

/// Runs the commands in a shell. They need curl, which some machines lack.
#[test]
#[cfg(unix)]
fn the_printed_commands_log_in_and_refresh() {
    if Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        eprintln!("skipped: no curl");
        return;
    }
    let own = [
        "--client-id",
        "my app",
        "--secret",
        "it's 100% s3cret",
        "--redirect-uri",
        "http://127.0.0.1:3000/cb",
    ];
    for provider in PROVIDERS {
        for further in [&[][..], &own] {
            let emulator = Emulator::start(&[&[provider], further].concat());
            let script = emulator.commands();
            let output = Command::new("sh").args(["-euc", &script]).output().unwrap();
            assert!(
                output.status.success(),
                "{provider}: {}",
                text(&output.stderr)
            );
            let calls: Vec<&str> = text(&output.stdout).lines().collect();
            assert_eq!(calls.len(), 2, "{calls:?}");
            for call in calls {
                assert!(
                    call.contains("bob@example.com"),
                    "{provider}: {call}\n{script}"
                );
            }
        }
    }
}

#[test]
fn a_public_client_is_shown_no_secret() {
    let secret = |provider: &str| {
        let emulator = Emulator::start(&[provider]);
        emulator.printed.contains("\nsecret ")
    };
    assert!(!secret("etsy"));
    assert!(secret("github"));
}

#[test]
#[cfg(unix)]
fn it_stops_on_ctrl_c_and_sigterm() {
    for signal in ["-INT", "-TERM"] {
        let mut emulator = Emulator::start(&["plain"]);
        let process = emulator.process.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &process])
                .status()
                .unwrap()
                .success()
        );
        assert!(emulator.process.wait().unwrap().success(), "{signal}");
    }
}

#[test]
fn it_takes_the_given_port_or_fails() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(&["emulate", "amiqus", "--port", &port]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let error = text(&output.stderr);
    assert!(
        error.starts_with("error: ") && error.contains(&port),
        "{error}"
    );

    drop(taken);
    // Until it takes the port, another process may get it.
    let started = (0..10).any(|_| {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        drop(free);
        let emulator = Emulator::try_start(&["amiqus", "--port", &port]);
        let base = format!("http://127.0.0.1:{port}");
        emulator.is_some_and(|emulator| emulator.named("base") == base)
    });
    assert!(started);
}

#[test]
fn a_program_reads_where_the_emulator_is() {
    let mut process = tokenkeeper(&["emulate", "google", "--json"]);
    let mut process = process.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let emulator = Emulator {
        process,
        printed: line,
    };
    let printed: serde_json::Value = serde_json::from_str(&emulator.printed).unwrap();
    let base = printed["base"].as_str().unwrap();
    assert_eq!(printed["endpoints"]["token"], format!("{base}/token"));
    let device = format!("{base}/device_authorization");
    assert_eq!(printed["endpoints"]["device"], device);
    let config = std::fs::read_to_string(printed["config"].as_str().unwrap()).unwrap();
    assert!(config.contains("[providers.google]"), "{config}");
}
