//! ChromeDriver, as processes of a test.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use tempfile::TempDir;

/// A ChromeDriver on a port that the system chooses. Dropping it ends it and its browsers.
pub(crate) struct ChromeDriver {
    /// The end of this pipe is the end of all processes: it closes even if this process is killed.
    lifeline: Option<ChildStdin>,
    shell: Child,
    /// Kept open, because ChromeDriver may say more.
    _output: BufReader<ChildStdout>,
    url: String,
    /// Profiles and all else that the processes write.
    folder: TempDir,
}

/// Starts ChromeDriver in a process group, and at the end of the input kills the group and removes
/// its folder, which a killed test does not.
const SCRIPT: &str = r#"
setsid chromedriver "$@" </dev/null &
exec >/dev/null
cat
kill -s KILL -- -$!
wait
rm -rf "$TMPDIR"
"#;

impl ChromeDriver {
    /// Starts ChromeDriver and waits until it accepts connections.
    pub(crate) fn start(shows_browser: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", SCRIPT, "sh", "--port=0"])
            .env("TMPDIR", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        if !shows_browser {
            // Chromium complains about what a machine without a screen lacks.
            command.stderr(Stdio::null());
        }
        let mut shell = command.spawn().unwrap();
        let lifeline = shell.stdin.take();
        let mut output = BufReader::new(shell.stdout.take().unwrap());
        let port = port(&mut output);
        Self {
            lifeline,
            shell,
            _output: output,
            url: format!("http://127.0.0.1:{port}"),
            folder,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for ChromeDriver {
    fn drop(&mut self) {
        self.lifeline = None;
        let _ = self.shell.wait();
    }
}

/// Reads the port from ChromeDriver's output.
fn port(output: &mut BufReader<ChildStdout>) -> u16 {
    let mut said = String::new();
    while output.read_line(&mut said).unwrap() > 0 {
        let started = said.split_once("started successfully on port ");
        if let Some((_, port)) = started {
            return port.trim().trim_end_matches('.').parse().unwrap();
        }
    }
    panic!("chromedriver does not start: `scripts/test --browser` installs it. It said: {said}");
}
