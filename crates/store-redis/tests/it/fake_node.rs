//! A node of a cluster that answers as a test says.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::LIMIT;

/// What a node does with a command.
pub(crate) enum Reply {
    Say(String),
    Close,
    /// It reads on, and never answers.
    Hang,
}

/// The node; it ends with the runtime.
pub(crate) struct FakeNode {
    pub(crate) port: u16,
    listener: TcpListener,
}

impl FakeNode {
    pub(crate) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        Self { port, listener }
    }

    /// Answers with `reply`, and otherwise as any node.
    pub(crate) fn serve(
        self,
        reply: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static,
    ) -> Hangs {
        let (hung_sender, hung) = mpsc::unbounded_channel();
        let (ended_sender, ended) = mpsc::unbounded_channel();
        let reply = Arc::new(reply);
        tokio::spawn(async move {
            while let Ok((connection, _)) = self.listener.accept().await {
                let (reply, hung, ended) =
                    (reply.clone(), hung_sender.clone(), ended_sender.clone());
                tokio::spawn(async move {
                    let mut has_hung = false;
                    let answer = |command: &str| {
                        let reply = reply(command).unwrap_or_else(|| usual(command));
                        if matches!(reply, Reply::Hang) {
                            has_hung = true;
                            let _ = hung.send(());
                        }
                        reply
                    };
                    let _ = talk(connection, answer).await;
                    if has_hung {
                        let _ = ended.send(());
                    }
                });
            }
        });
        Hangs { hung, ended }
    }
}

/// The commands without an answer, and the ends of their connections.
pub(crate) struct Hangs {
    hung: mpsc::UnboundedReceiver<()>,
    ended: mpsc::UnboundedReceiver<()>,
}

impl Hangs {
    pub(crate) async fn hung(&mut self) {
        let hung = timeout(LIMIT, self.hung.recv()).await;
        hung.expect("in time").expect("a node");
    }

    pub(crate) async fn ended(&mut self) {
        let ended = timeout(LIMIT, self.ended.recv()).await;
        ended.expect("in time").expect("a node");
    }
}

/// Returns the answer to `CLUSTER SLOTS`: ranges of slots, each with the ports of its nodes.
pub(crate) fn slots(ranges: &[(u16, u16, &[u16])]) -> Reply {
    let mut answer = format!("*{}\r\n", ranges.len());
    for (first, last, ports) in ranges {
        answer += &format!("*{}\r\n:{first}\r\n:{last}\r\n", 2 + ports.len());
        for port in *ports {
            answer += &format!("*2\r\n$9\r\n127.0.0.1\r\n:{port}\r\n");
        }
    }
    Reply::Say(answer)
}

fn usual(command: &str) -> Reply {
    let answer = match command {
        "GET" => "$-1\r\n",
        "INFO" => "$0\r\n\r\n",
        // A page without records.
        "EVALSHA" => "*3\r\n*0\r\n*0\r\n*0\r\n",
        _ => "+OK\r\n",
    };
    Reply::Say(answer.to_owned())
}

/// Reads commands, and answers them, until the connection ends.
async fn talk(connection: TcpStream, mut answer: impl FnMut(&str) -> Reply) -> io::Result<()> {
    let mut connection = BufReader::new(connection);
    loop {
        let count = number(&mut connection).await?;
        let mut words = Vec::new();
        for _ in 0..count {
            let mut word = vec![0; number(&mut connection).await? + 2];
            connection.read_exact(&mut word).await?;
            words.push(String::from_utf8_lossy(&word).trim_end().to_owned());
        }
        match answer(&words[0]) {
            Reply::Say(answer) => connection.write_all(answer.as_bytes()).await?,
            Reply::Close => return Ok(()),
            Reply::Hang => {}
        }
    }
}

/// Reads the line of a length.
async fn number(connection: &mut BufReader<TcpStream>) -> io::Result<usize> {
    let mut line = String::new();
    connection.read_line(&mut line).await?;
    let number = line.get(1..).and_then(|number| number.trim().parse().ok());
    number.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
