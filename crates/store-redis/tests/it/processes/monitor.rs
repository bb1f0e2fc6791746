//! The commands that Redis received, by `MONITOR`.

use std::collections::HashMap;

use futures_util::StreamExt as _;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::server::RedisServer;

/// The name whose GET ends the recording.
const END: &str = "end-of-monitor";

/// A recording of the commands of all connections.
pub(crate) struct Monitor {
    listening: JoinHandle<HashMap<String, Vec<String>>>,
    url: String,
}

impl Monitor {
    pub(crate) async fn start(server: &RedisServer) -> Self {
        let client = redis::Client::open(server.url()).expect("a URL");
        let (started, starting) = oneshot::channel();
        let listening = tokio::spawn(async move {
            let monitor = client.get_async_monitor().await.expect("a monitor");
            started.send(()).expect("a waiting test");
            let mut lines = monitor.into_on_message::<String>();
            let mut seen: HashMap<String, Vec<String>> = HashMap::new();
            while let Some(line) = lines.next().await {
                if line.contains(END) {
                    break;
                }
                if let Some((client, command)) = parse(&line) {
                    seen.entry(client).or_default().push(command);
                }
            }
            seen
        });
        starting.await.expect("it listens");
        Self {
            listening,
            url: server.url(),
        }
    }

    /// Ends the recording, and returns the commands on records, by connection.
    pub(crate) async fn stop(self) -> HashMap<String, Vec<String>> {
        let client = redis::Client::open(self.url).expect("a URL");
        let mut connection = client.get_connection().expect("a connection");
        redis::cmd("GET")
            .arg(END)
            .exec(&mut connection)
            .expect("an answer");
        self.listening.await.expect("a listener")
    }
}

/// Parses `1700000000.123456 [0 127.0.0.1:40000] "GET" "name"`; scripts have `lua` as their
/// address.
fn parse(line: &str) -> Option<(String, String)> {
    let (_, rest) = line.split_once(" [0 ")?;
    let (client, rest) = rest.split_once("] \"")?;
    let (command, _) = rest.split_once('"')?;
    let counts = matches!(command, "GET" | "EVALSHA" | "EVAL");
    (client != "lua" && counts).then(|| (client.to_owned(), command.to_owned()))
}
