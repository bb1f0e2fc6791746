//! A Redis server that syncs every write to disk before it answers.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    process::{Child, Command},
};

use super::signal::{self, Signal};
use crate::BoxError;

/// A Redis server with its files.
#[derive(Debug)]
pub(super) struct Redis {
    /// Its Unix socket. Another process could take a port while the server is down.
    pub(super) socket: PathBuf,
    directory: PathBuf,
    child: Child,
}

impl Redis {
    pub(super) async fn start(directory: &Path) -> Result<Self, BoxError> {
        let mut redis = Self {
            socket: directory.join(SOCKET),
            directory: directory.to_owned(),
            child: spawn(directory)?,
        };
        redis.answers().await?;
        Ok(redis)
    }

    /// Stops it by SIGTERM or SIGKILL, and after a pause starts it again on the same files.
    pub(super) async fn restart(&mut self, gently: bool, pause: Duration) -> Result<(), BoxError> {
        match self.child.id().filter(|_| gently) {
            Some(process) => {
                signal::send(Signal::Terminate, process).await?;
                self.child.wait().await?;
            }
            None => self.child.kill().await?,
        }
        tokio::time::sleep(pause).await;
        self.child = spawn(&self.directory)?;
        self.answers().await
    }

    pub(super) async fn end(mut self) -> Result<(), BoxError> {
        Ok(self.child.kill().await?)
    }

    /// Waits until it has loaded its files and answers.
    async fn answers(&mut self) -> Result<(), BoxError> {
        for _ in 0..500 {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("redis-server has ended ({status})").into());
            }
            if matches!(self.ping().await, Ok(answer) if answer.starts_with(b"+PONG")) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err("redis-server does not answer".into())
    }

    async fn ping(&self) -> std::io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(&self.socket).await?;
        stream.write_all(b"PING\r\n").await?;
        let mut answer = vec![0; 64];
        let length = stream.read(&mut answer).await?;
        answer.truncate(length);
        Ok(answer)
    }
}

/// Relative to its working directory: the path of a socket must be short.
const SOCKET: &str = "redis.sock";

fn spawn(directory: &Path) -> Result<Child, BoxError> {
    let options = [
        ("--port", "0"),
        ("--unixsocket", SOCKET),
        ("--dir", "."),
        ("--appendonly", "yes"),
        ("--appendfsync", "always"),
        ("--save", ""),
        ("--daemonize", "no"),
        ("--logfile", "redis.log"),
    ];
    let mut command = Command::new("redis-server");
    for (name, value) in options {
        command.args([name, value]);
    }
    command
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            format!("redis-server cannot be started (is it installed?): {error}").into()
        })
}
