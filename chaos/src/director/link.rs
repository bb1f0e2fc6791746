//! The connection of one worker to the store: a loopback proxy that can be slow, hang and break.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};

use crate::BoxError;

/// The state of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkState {
    Normal,
    /// Each chunk is delayed by this duration, in each direction.
    Slow(Duration),
    /// No data gets through, and no connection breaks.
    Hung,
    /// Open connections are cut, and new ones are cut at once.
    Cut,
    /// Requests get through; the first answer is lost, and its connection is cut.
    Mute,
}

impl LinkState {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Normal => "nothing",
            Self::Slow(_) => "slow connections to the store",
            Self::Hung => "hanging connections to the store",
            Self::Cut => "a cut",
            Self::Mute => "a lost answer of the store",
        }
    }
}

/// A proxy between one worker and the store.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) port: u16,
    state: watch::Sender<LinkState>,
}

impl Link {
    /// Opens a proxy to a server's socket.
    pub(super) async fn open(target: &Path) -> Result<Self, BoxError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let state = watch::Sender::new(LinkState::Normal);
        tokio::spawn(accept(listener, target.to_owned(), state.clone()));
        Ok(Self { port, state })
    }

    pub(super) fn set(&self, state: LinkState) {
        self.state.send_replace(state);
    }
}

async fn accept(listener: TcpListener, target: PathBuf, state: watch::Sender<LinkState>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        if *state.borrow() != LinkState::Cut {
            tokio::spawn(serve(client, target.clone(), state.subscribe()));
        }
    }
}

async fn serve(client: TcpStream, target: PathBuf, state: watch::Receiver<LinkState>) {
    // If the store is down, the connection closes.
    let Ok(store) = UnixStream::connect(target).await else {
        return;
    };
    // A failure costs only time.
    let _ = client.set_nodelay(true);
    let ((from_client, to_client), (from_store, to_store)) =
        (client.into_split(), store.into_split());
    // The end of one side ends the other.
    tokio::select! {
        () = pump(from_client, to_store, state.clone(), Direction::ToStore) => {}
        () = pump(from_store, to_client, state, Direction::ToWorker) => {}
    }
}

/// The direction of data through a link.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToStore,
    ToWorker,
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<LinkState>,
    way: Direction,
) {
    let mut piece = vec![0; 16 * 1024];
    loop {
        let length = tokio::select! {
            read = from.read(&mut piece) => match read {
                Ok(0) | Err(_) => return,
                Ok(length) => length,
            },
            changed = state.changed() => {
                if changed.is_err() || *state.borrow() == LinkState::Cut {
                    return;
                }
                continue;
            }
        };
        loop {
            let now = *state.borrow_and_update();
            match now {
                LinkState::Normal => break,
                LinkState::Cut => return,
                LinkState::Mute if way == Direction::ToWorker => return,
                LinkState::Mute => break,
                LinkState::Slow(each) => {
                    tokio::time::sleep(each).await;
                    break;
                }
                LinkState::Hung => {
                    if state.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    /// Starts an echo server and a link to it.
    async fn echo(name: &str) -> (Link, TcpStream) {
        let name = format!("tokenkeeper-chaos-{}-{name}.sock", std::process::id());
        let target = std::env::temp_dir().join(name);
        let server = UnixListener::bind(&target).unwrap();
        let (file, link) = (target.clone(), Link::open(&target).await.unwrap());
        tokio::spawn(async move {
            let (stream, _) = server.accept().await.unwrap();
            std::fs::remove_file(file).unwrap();
            let (mut from, mut to) = stream.into_split();
            // A cut is an error here, which the test expects.
            let _ = tokio::io::copy(&mut from, &mut to).await;
        });
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, link.port))
            .await
            .unwrap();
        (link, stream)
    }

    #[tokio::test]
    async fn data_gets_through_until_a_cut() {
        let (link, mut stream) = echo("cut").await;
        stream.write_u8(7).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), 7);
        link.set(LinkState::Cut);
        assert!(stream.read_u8().await.is_err());
    }

    #[tokio::test]
    async fn mute_link_loses_the_answer() {
        let (link, mut stream) = echo("mute").await;
        link.set(LinkState::Mute);
        stream.write_u8(7).await.unwrap();
        assert!(stream.read_u8().await.is_err());
    }

    #[tokio::test]
    async fn hung_link_delivers_all_data_afterwards() {
        let (link, mut stream) = echo("hung").await;
        link.set(LinkState::Hung);
        stream.write_u8(7).await.unwrap();
        link.set(LinkState::Normal);
        assert_eq!(stream.read_u8().await.unwrap(), 7);
    }
}
