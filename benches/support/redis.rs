//! A Redis server for one bench.

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
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a port is free").port();
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--dir"])
            .arg(std::env::temp_dir())
            .stdout(Stdio::null())
            .spawn();
        let Ok(process) = process else {
            eprintln!("skipped: redis-server is not installed");
            return None;
        };
        let server = Self { process, port };
        while server.options("bench:").open_plaintext().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Some(server)
    }

    /// Opens a store with its own connections.
    ///
    /// # Panics
    /// If the server does not answer.
    pub async fn store(&self, prefix: &str) -> RedisStore {
        let store = self.options(prefix).open_plaintext().await;
        store.expect("Redis answers")
    }

    fn options(&self, prefix: &str) -> RedisOptions {
        let url = format!("redis://127.0.0.1:{}", self.port);
        RedisOptions::new(url).prefix(prefix)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
