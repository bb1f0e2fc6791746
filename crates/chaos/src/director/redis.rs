//! A Redis server of our own, with every write on the disk before it is answered.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

use super::signal::{self, Signal};
use crate::BoxError;

#[derive(Debug)]
pub(super) struct Redis {
    pub(super) port: u16,
    directory: PathBuf,
    child: Child,
}

impl Redis {
    pub(super) async fn start(directory: &Path) -> Result<Self, BoxError> {
        // Free a moment ago; that somebody else takes it now would show as a failure to start.
        let port = {
            let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            probe.local_addr()?.port()
        };
        let mut redis = Self {
            port,
            directory: directory.to_owned(),
            child: spawn(directory, port)?,
        };
        redis.answers().await?;
        Ok(redis)
    }

    /// Ends it, by SIGTERM or SIGKILL, and starts it again after a pause, on what it has on the disk.
    pub(super) async fn restart(&mut self, gently: bool, pause: Duration) -> Result<(), BoxError> {
        match self.child.id().filter(|_| gently) {
            Some(process) => {
                signal::send(Signal::Terminate, process).await?;
                self.child.wait().await?;
            }
            None => self.child.kill().await?,
        }
        tokio::time::sleep(pause).await;
        self.child = spawn(&self.directory, self.port)?;
        self.answers().await
    }

    pub(super) async fn end(mut self) -> Result<(), BoxError> {
        Ok(self.child.kill().await?)
    }

    /// Waits until it has read what is on the disk.
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
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        stream.write_all(b"PING\r\n").await?;
        let mut answer = vec![0; 64];
        let length = stream.read(&mut answer).await?;
        answer.truncate(length);
        Ok(answer)
    }
}

fn spawn(directory: &Path, port: u16) -> Result<Child, BoxError> {
    let (directory, port) = (directory.display().to_string(), port.to_string());
    let options = [
        ("--bind", "127.0.0.1"),
        ("--port", &port),
        ("--dir", &directory),
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
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            format!("redis-server cannot be started (is it installed?): {error}").into()
        })
}
