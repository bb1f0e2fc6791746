//! A command on a terminal, as a person starts it.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{LocalModes, tcgetattr},
};

/// How long a command may take until it shows something, before the test fails with what it has
/// shown.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal, and the command whose controlling terminal it is. The command ends with it.
pub struct Terminal {
    end: File,
    process: Child,
    /// What the terminal shows, as it is read. Closed once no process has the terminal open.
    output: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    /// Starts a command in a new session, so that `/dev/tty` is this terminal.
    pub fn start(command: &Command) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let end = openpt(flags).unwrap();
        grantpt(&end).unwrap();
        unlockpt(&end).unwrap();
        let side: OwnedFd = ioctl_tiocgptpeer(&end, flags).unwrap();
        let side = || Stdio::from(side.try_clone().unwrap());
        let mut session = Command::new("setsid");
        // Busybox has the short option alone.
        session.arg("-c").arg(command.get_program());
        session.args(command.get_args()).env("TERM", "xterm");
        for (name, value) in command.get_envs() {
            session.env(name, value.unwrap_or_default());
        }
        session.stdin(side()).stdout(side()).stderr(side());
        let process = session.spawn().unwrap();
        // It has copies of the terminal, which would keep it open.
        drop(session);
        let end = File::from(end);
        let output = read(end.try_clone().unwrap());
        Self {
            end,
            process,
            output,
            shown: String::new(),
        }
    }

    /// Reads until the terminal shows this text, and returns all that it has shown.
    pub fn wait_for(&mut self, text: &str) -> &str {
        let deadline = Instant::now() + PATIENCE;
        while !self.shown.contains(text) {
            let has_more = self.read_more(deadline);
            assert!(has_more, "`{text}` was not shown: {}", self.shown);
        }
        &self.shown
    }

    /// Types a line once the terminal shows nothing of it.
    pub fn type_hidden(&mut self, line: &str) {
        self.type_key_hidden(&format!("{line}\n"));
    }

    /// Types once the terminal shows nothing of it.
    pub fn type_key_hidden(&mut self, keys: &str) {
        self.wait_until_hidden();
        self.end.write_all(keys.as_bytes()).unwrap();
    }

    /// Sends the command a signal once the terminal shows nothing of what is typed.
    pub fn signal_hidden(&mut self, name: &str) {
        self.wait_until_hidden();
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(sent.success());
    }

    fn wait_until_hidden(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.modes().contains(LocalModes::ECHO) {
            assert!(self.process.try_wait().unwrap().is_none(), "{}", self.shown);
            assert!(Instant::now() < deadline, "it asks not: {}", self.shown);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Returns how the terminal treats what is typed.
    pub fn modes(&self) -> LocalModes {
        tcgetattr(&self.end).unwrap().local_modes
    }

    /// Waits for the end of the command, and returns what the terminal has shown.
    pub fn end(&mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + PATIENCE;
        while self.read_more(deadline) {}
        (self.process.wait().unwrap(), self.shown.clone())
    }

    /// Reads what the terminal shows next. `false`: no process has it open any more.
    fn read_more(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.output.recv_timeout(left) {
            Ok(bytes) => {
                self.shown.push_str(&String::from_utf8_lossy(&bytes));
                true
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => false,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("it goes on: {}", self.shown),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads the terminal in another thread, since such a read may never end.
fn read(mut end: File) -> Receiver<Vec<u8>> {
    let (sender, output) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = [0; 1024];
        // Its end is an error on Linux: no process has it open any more.
        while let Ok(read @ 1..) = end.read(&mut bytes) {
            if sender.send(bytes[..read].to_vec()).is_err() {
                break;
            }
        }
    });
    output
}
