//! Child processes: the test binary again, which runs one of its ignored tests.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The first character of a child's reports; other lines of its output are the test harness's.
const MARK: char = '@';

/// A child process, its input and its output.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Runs an ignored test, with these environment variables and changes to the command.
    pub(crate) fn start(
        test: &str,
        variables: &[(&str, &OsStr)],
        change: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let mut command = Command::new(env::current_exe().expect("this binary"));
        command
            .args([test, "--exact", "--ignored", "--nocapture"])
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = change(&mut command).spawn().expect("a process");
        let input = child.stdin.take().expect("its input");
        let output = child.stdout.take().expect("its output");
        Self {
            child,
            input,
            output: BufReader::new(output).lines(),
        }
    }

    /// Returns its next report; `None` at its end.
    pub(crate) fn hear(&mut self) -> Option<String> {
        self.output
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix(MARK).map(str::to_owned))
    }

    /// Writes a line to its input.
    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("a running process");
    }

    /// Sends SIGKILL.
    #[allow(dead_code, reason = "only the tests of the store in SQLite kill one")]
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a running process");
        self.child.wait().expect("its end");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Most have already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reports a line, within the child.
pub(crate) fn report(line: &str) {
    println!("{MARK}{line}");
}

/// Ends the line that the test harness has not ended, within the child, before its first report.
pub(crate) fn begin_reports() {
    println!();
}
