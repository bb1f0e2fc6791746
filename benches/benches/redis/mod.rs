//! A Redis server of a bench's own, which saves nothing.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokenkeeper_store_redis::{RedisOptions, RedisStore};

pub struct Server {
    process: Child,
    pub port: u16,
}

impl Server {
    pub async fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--dir"])
            .arg(std::env::temp_dir())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let server = Self { process, port };
        while server.options("bench:").plaintext().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server
    }

    /// A store with connections of its own.
    pub async fn store(&self, prefix: &str) -> RedisStore {
        let store = self.options(prefix).plaintext().await;
        store.expect("Redis is there")
    }

    fn options(&self, prefix: &str) -> RedisOptions {
        let url = format!("redis://127.0.0.1:{}", self.port);
        let options = RedisOptions::new(&url).expect("the URL is one");
        options.prefix(prefix)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It holds nothing that anybody wants.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
