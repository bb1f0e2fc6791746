//! Redis servers for benches.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokenkeeper_store_redis::{RedisOptions, RedisStore};

/// A Redis server that saves nothing and ends when it is dropped.
#[derive(Debug)]
pub struct RedisServer {
    process: Child,
    /// Its port on 127.0.0.1.
    pub port: u16,
}

impl RedisServer {
    /// Starts a server and waits until it answers; `None` where `redis-server` is not installed.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// Starts a server with further arguments.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start_with(arguments: &[&str]) -> Option<Self> {
        let port = free_port();
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--dir"])
            .arg(std::env::temp_dir())
            .args(arguments)
            .stdout(Stdio::null())
            .spawn();
        let Ok(process) = process else {
            eprintln!("skipped: redis-server is not installed");
            return None;
        };
        let server = Self { process, port };
        while server.ask(&["PING"]).trim() != "PONG" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Some(server)
    }

    /// Opens a store with its own connections.
    ///
    /// # Panics
    /// If the server does not answer.
    pub async fn store(&self, prefix: &str) -> RedisStore {
        let url = format!("redis://127.0.0.1:{}", self.port);
        let store = RedisOptions::new(url).prefix(prefix).open_plaintext().await;
        store.expect("Redis answers")
    }

    /// Returns the server's answer to a command.
    ///
    /// # Panics
    /// If `redis-cli` is not installed.
    #[must_use]
    pub fn ask(&self, command: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(command)
            .stderr(Stdio::null())
            .output()
            .expect("redis-cli is installed");
        // The log of slow commands quotes binary arguments.
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Returns how often a command was called since `CONFIG RESETSTAT`, by clients or scripts.
    ///
    /// # Panics
    /// If the server's answer is malformed.
    #[must_use]
    pub fn calls(&self, command: &str) -> usize {
        let stats = self.ask(&["INFO", "commandstats"]);
        let line = format!("cmdstat_{command}:calls=");
        let found = stats.lines().find_map(|stat| stat.strip_prefix(&line));
        let count = found.and_then(|rest| rest.split(',').next());
        count.map_or(0, |count| count.parse().expect("a number"))
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns a port of 127.0.0.1 that was free a moment ago.
///
/// # Panics
/// If no port is free.
#[must_use]
pub fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    free.expect("a port is free").port()
}
