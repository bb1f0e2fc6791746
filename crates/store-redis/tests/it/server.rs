//! A `redis-server` for one test.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::{env, fs, process, thread};

use redis::{FromRedisValue, ToRedisArgs};

/// Runs a server until the script's input ends, as it does whenever the test's process ends.
const GUARDED: &str = r#"
    # A signal to the test, such as Ctrl-C, must not end the guard first.
    trap '' HUP INT TERM
    directory=$1
    program=$2
    shift 2
    "$program" "$@" </dev/null &
    pid=$!
    echo "pid $pid"
    # The output ends with the server.
    exec >&-
    read -r word
    kill -9 $pid
    wait
    [ "$word" = keep ] || rm -rf "$directory"
"#;

/// The major version of Redis: 7, or 6 if `scripts/test-redis-6.2` runs the tests.
static MAJOR: LazyLock<u32> = LazyLock::new(|| {
    let said = Command::new("redis-server").arg("--version").output();
    let said = said.map_or(vec![], |output| output.stdout);
    String::from_utf8_lossy(&said)
        .split_once("v=")
        .and_then(|(_, rest)| rest.split('.').next()?.parse().ok())
        .unwrap_or(7)
});

/// A server on a free port of 127.0.0.1, with its own directory; it is killed when it is dropped.
pub(crate) struct RedisServer {
    pub(crate) port: u16,
    /// A free port for TLS: `{tls}` in the options.
    pub(crate) tls_port: u16,
    program: &'static str,
    arguments: Vec<String>,
    directory: PathBuf,
    running: Option<Running>,
}

/// A running server.
struct Running {
    pid: u32,
    guard: Child,
    /// The guard kills the server when this ends.
    input: ChildStdin,
}

impl RedisServer {
    /// Starts a server that saves nothing, with additional options.
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut all = vec!["--save", ""];
        if *MAJOR >= 7 {
            all.extend(["--enable-debug-command", "local"]);
        }
        all.extend_from_slice(options);
        Self::start_program("redis-server", &all, |_, _, _| {})
    }

    /// Starts a program with files that `prepare` writes; a `server.conf` is its configuration, as
    /// Sentinel needs one.
    ///
    /// In the options, `{dir}` is its directory and `{tls}` the free port.
    pub(crate) fn start_program(
        program: &'static str,
        options: &[&str],
        prepare: impl Fn(&Path, u16, u16),
    ) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        // Another process may take the port before the server does.
        for _ in 0..5 {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("tokenkeeper-redis-{}-{number}", process::id());
            let directory = env::temp_dir().join(name);
            fs::create_dir(&directory).expect("a directory for the test");
            let [port, tls_port] = free_ports();
            prepare(&directory, port, tls_port);
            let fill_in = |option: &&str| {
                option
                    .replace("{dir}", &directory.display().to_string())
                    .replace("{tls}", &tls_port.to_string())
            };
            let mut server = Self {
                port,
                tls_port,
                program,
                arguments: options.iter().map(fill_in).collect(),
                directory,
                running: None,
            };
            if server.run() {
                return server;
            }
        }
        panic!("{program} did not start on any of five ports");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends a command on a new connection, and returns its answer.
    pub(crate) fn call<T: FromRedisValue>(&self, command: &[impl ToRedisArgs]) -> T {
        self.try_call(command).expect("an answer")
    }

    pub(crate) fn try_call<T: FromRedisValue>(
        &self,
        command: &[impl ToRedisArgs],
    ) -> redis::RedisResult<T> {
        let client = redis::Client::open(self.url()).expect("a URL");
        let mut connection = client.get_connection()?;
        let mut words = command.iter();
        let mut sent = redis::Cmd::new();
        words.by_ref().for_each(|word| {
            sent.arg(word);
        });
        sent.query(&mut connection)
    }

    /// Returns how often a command was called.
    pub(crate) fn calls_of(&self, command: &str) -> u64 {
        let text: String = self.call(&["INFO", "commandstats"]);
        let prefix = format!("cmdstat_{command}:calls=");
        text.lines()
            .find_map(|line| line.strip_prefix(&prefix))
            .and_then(|rest| rest.split(',').next())
            .map_or(0, |calls| calls.parse().expect("a number"))
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            let _ = running.input.write_all(b"keep\n");
            drop(running.input);
            let _ = running.guard.wait();
        }
    }

    /// Starts it again after [`kill`](Self::kill), with its saved data.
    pub(crate) fn start_again(&mut self) {
        assert!(self.run(), "{} started again", self.program);
    }

    /// Sends a signal, such as `STOP` or `CONT`.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.running.as_ref().expect("a running server").pid;
        let status = Command::new("kill")
            .args([format!("-{signal}"), pid.to_string()])
            .status();
        assert!(status.expect("the command kill").success());
    }

    fn run(&mut self) -> bool {
        let mut command = Command::new("sh");
        command
            .args(["-c", GUARDED, "sh"])
            .arg(&self.directory)
            .arg(self.program);
        if self.directory.join("server.conf").exists() {
            command.arg(self.directory.join("server.conf"));
        }
        if self.program == "redis-server" {
            command
                .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
                .args(["--dir".as_ref(), self.directory.as_os_str()]);
        }
        command
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut guard = command.spawn().expect("the command sh");
        let input = guard.stdin.take().expect("piped");
        let mut lines = BufReader::new(guard.stdout.take().expect("piped")).lines();
        let (mut pid, mut ready) = (None, false);
        let mut log = String::new();
        // Either may come first.
        let started = lines.by_ref().map_while(Result::ok).any(|line| {
            if let Some(number) = line.strip_prefix("pid ") {
                pid = number.parse().ok();
            }
            log.push_str(&line);
            log.push('\n');
            ready |=
                line.contains("Ready to accept connections") || line.contains("+monitor master");
            ready && pid.is_some()
        });
        if !started {
            let _ = guard.kill();
            let mut said = String::new();
            let _ =
                std::io::Read::read_to_string(&mut guard.stderr.take().expect("piped"), &mut said);
            let _ = guard.wait();
            assert!(
                !said.contains("not found"),
                "these tests need {} in the PATH (Debian: apt-get install redis-server \
                 redis-sentinel); scripts/test installs it",
                self.program
            );
            assert!(
                log.contains("Address already in use") || log.contains("bind"),
                "{log}{said}"
            );
            return false;
        }
        // A full pipe would block the server.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        self.running = Some(Running {
            pid: pid.expect("it was waited for"),
            guard,
            input,
        });
        true
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        // A killed server may leave any files.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

pub(crate) fn free_port() -> u16 {
    let [port, _] = free_ports();
    port
}

/// Returns two free ports. The port 10,000 above each is free too, for the bus of a cluster.
fn free_ports() -> [u16; 2] {
    let held = [(); 2].map(|()| {
        loop {
            let own = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let port = own.local_addr().expect("an address").port();
            let bus = port.checked_add(10_000);
            if let Some(Ok(bus)) = bus.map(|bus| TcpListener::bind(("127.0.0.1", bus))) {
                return (port, own, bus);
            }
        }
    });
    held.map(|(port, _, _)| port)
}

#[test]
fn a_taken_port_is_replaced_by_another() {
    let taken = OnceLock::new();
    let server = RedisServer::start_program("redis-server", &[], |_, port, _| {
        taken.get_or_init(|| TcpListener::bind(("127.0.0.1", port)).expect("a free port"));
    });
    let taken = taken.get().expect("it was taken").local_addr();
    assert_ne!(taken.expect("an address").port(), server.port);
    assert_eq!(server.call::<String>(&["PING"]), "PONG");
}
