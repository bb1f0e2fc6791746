//! A command on a terminal, as a person starts it.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::{
    pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{LocalModes, tcgetattr},
};

/// A terminal, and the command whose controlling terminal it is.
pub struct Terminal {
    end: File,
    process: Child,
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
        Self {
            end: File::from(end),
            process: session.spawn().unwrap(),
            shown: String::new(),
        }
    }

    /// Reads until the terminal shows this text, and returns all that it has shown.
    pub fn wait_for(&mut self, text: &str) -> &str {
        let mut bytes = [0; 1024];
        while !self.shown.contains(text) {
            let read = self.end.read(&mut bytes).unwrap_or(0);
            assert_ne!(read, 0, "`{text}` was not shown: {}", self.shown);
            self.shown
                .push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
        &self.shown
    }

    /// Types a line once the terminal shows nothing of it.
    pub fn type_hidden(&mut self, line: &str) {
        let shows = |end: &File| {
            tcgetattr(end)
                .unwrap()
                .local_modes
                .contains(LocalModes::ECHO)
        };
        while shows(&self.end) {
            assert!(self.process.try_wait().unwrap().is_none(), "{}", self.shown);
            std::thread::yield_now();
        }
        writeln!(self.end, "{line}").unwrap();
    }

    /// Waits for the end of the command, and returns what the terminal has shown.
    pub fn end(mut self) -> (ExitStatus, String) {
        let mut bytes = Vec::new();
        // Its end is an error on Linux: nothing has it open any more.
        let _ = self.end.read_to_end(&mut bytes);
        self.shown.push_str(&String::from_utf8_lossy(&bytes));
        (self.process.wait().unwrap(), self.shown)
    }
}
