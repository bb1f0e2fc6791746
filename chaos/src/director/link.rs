//! The way from one worker to the store: a proxy on loopback that can be slow, hang, and break.

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

/// How the way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    Fair,
    /// Each piece of data takes so long, in each direction.
    Slow(Duration),
    /// Nothing gets through, and nothing breaks.
    Hung,
    /// What is open is cut, and what is opened is cut at once.
    Cut,
    /// Requests get through; with the first answer the connection is cut, and the answer is lost.
    Mute,
}

impl Weather {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fair => "nothing",
            Self::Slow(_) => "slow connections to the store",
            Self::Hung => "hanging connections to the store",
            Self::Cut => "a cut",
            Self::Mute => "a lost answer of the store",
        }
    }
}

/// The way from one worker to the store.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) port: u16,
    weather: watch::Sender<Weather>,
}

impl Link {
    /// Opens a way to a server's socket.
    pub(super) async fn open(target: &Path) -> Result<Self, BoxError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let weather = watch::Sender::new(Weather::Fair);
        tokio::spawn(accept(listener, target.to_owned(), weather.clone()));
        Ok(Self { port, weather })
    }

    pub(super) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

async fn accept(listener: TcpListener, target: PathBuf, weather: watch::Sender<Weather>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        if *weather.borrow() != Weather::Cut {
            tokio::spawn(serve(client, target.clone(), weather.subscribe()));
        }
    }
}

async fn serve(client: TcpStream, target: PathBuf, weather: watch::Receiver<Weather>) {
    // A store that is down is a connection that is closed.
    let Ok(store) = UnixStream::connect(target).await else {
        return;
    };
    // It only costs time where it fails.
    let _ = client.set_nodelay(true);
    let ((from_client, to_client), (from_store, to_store)) =
        (client.into_split(), store.into_split());
    // Whichever side ends, or is cut, ends the other.
    tokio::select! {
        () = pump(from_client, to_store, weather.clone(), Way::There) => {}
        () = pump(from_store, to_client, weather, Way::Back) => {}
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut weather: watch::Receiver<Weather>,
    way: Way,
) {
    let mut piece = vec![0; 16 * 1024];
    loop {
        let length = tokio::select! {
            read = from.read(&mut piece) => match read {
                Ok(0) | Err(_) => return,
                Ok(length) => length,
            },
            changed = weather.changed() => {
                if changed.is_err() || *weather.borrow() == Weather::Cut {
                    return;
                }
                continue;
            }
        };
        loop {
            let now = *weather.borrow_and_update();
            match now {
                Weather::Fair => break,
                Weather::Cut => return,
                Weather::Mute if way == Way::Back => return,
                Weather::Mute => break,
                Weather::Slow(each) => {
                    tokio::time::sleep(each).await;
                    break;
                }
                Weather::Hung => {
                    if weather.changed().await.is_err() {
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

    /// A server that answers each byte with the same, and a way to it.
    async fn echo(name: &str) -> (Link, TcpStream) {
        let name = format!("tokenkeeper-chaos-{}-{name}.sock", std::process::id());
        let target = std::env::temp_dir().join(name);
        let server = UnixListener::bind(&target).unwrap();
        let (file, link) = (target.clone(), Link::open(&target).await.unwrap());
        tokio::spawn(async move {
            let (stream, _) = server.accept().await.unwrap();
            std::fs::remove_file(file).unwrap();
            let (mut from, mut to) = stream.into_split();
            // A cut is an error here.
            let _ = tokio::io::copy(&mut from, &mut to).await;
        });
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, link.port))
            .await
            .unwrap();
        (link, stream)
    }

    #[tokio::test]
    async fn what_is_sent_gets_through_and_a_cut_ends_it() {
        let (link, mut stream) = echo("cut").await;
        stream.write_u8(7).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), 7);
        link.set(Weather::Cut);
        assert!(stream.read_u8().await.is_err());
    }

    #[tokio::test]
    async fn a_mute_way_loses_the_answer() {
        let (link, mut stream) = echo("mute").await;
        link.set(Weather::Mute);
        stream.write_u8(7).await.unwrap();
        assert!(stream.read_u8().await.is_err());
    }

    #[tokio::test]
    async fn a_way_that_hung_brings_all_in_the_end() {
        let (link, mut stream) = echo("hung").await;
        link.set(Weather::Hung);
        stream.write_u8(7).await.unwrap();
        link.set(Weather::Fair);
        assert_eq!(stream.read_u8().await.unwrap(), 7);
    }
}
