//! A TCP proxy that cuts connections.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::{ConnectionCutter, Cut};

/// How long a backend may be silent, once its requests have ended, before its side counts as
/// closed.
const SILENCE: Duration = Duration::from_secs(2);

/// A TCP proxy in front of a backend, which cuts connections as the rules ask for it.
///
/// It recognizes a write by `marker`: bytes in the request whose answer confirms a `put` or
/// `delete`, and in no earlier request of these calls. For the scripts of a store in Redis it is
/// `EVALSHA`; for a store that commits a transaction, `COMMIT`; for one that writes by a single
/// prepared statement, `conformance`, the brand of all keys of the suite, if it sends keys in the
/// clear. The store must connect without TLS, which would hide the marker.
///
/// With [`Cut::BeforeAnswer`] the proxy passes the write on and waits for an answer. It then ends
/// the requests to the backend, swallows all that the backend still sends until it closes its side,
/// and cuts the store's connection. So the backend has made the write before the store can notice.
///
/// A harness for a store in Postgres:
///
/// ```
/// use tokenkeeper_store::conformance::{CuttingProxy, Subject};
/// # use tokenkeeper_store::{Entry, Key, Outcome, StoreError, TokenStore, Version};
/// # #[derive(Debug)]
/// # struct PostgresStore;
/// # impl PostgresStore { async fn connect(_: &str) -> Self { Self } }
/// # #[async_trait::async_trait]
/// # impl TokenStore for PostgresStore {
/// #     async fn get(&self, _: &Key) -> Result<Option<Entry>, StoreError> { unimplemented!() }
/// #     async fn put(
/// #         &self,
/// #         _: &Key,
/// #         _: &Entry,
/// #         _: Option<Version>,
/// #     ) -> Result<Outcome, StoreError> {
/// #         unimplemented!()
/// #     }
/// #     async fn delete(&self, _: &Key, _: Version) -> Result<Outcome, StoreError> {
/// #         unimplemented!()
/// #     }
/// # }
///
/// async fn fresh() -> Subject {
///     let server = ([127, 0, 0, 1], 5432).into();
///     let proxy = CuttingProxy::start(server, "COMMIT").await.expect("a free port");
///     let url = format!("postgres://test@{}/test?sslmode=disable", proxy.address());
///     Subject::new(PostgresStore::connect(&url).await).with_cutter(proxy)
/// }
/// ```
#[derive(Debug)]
pub struct CuttingProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

/// The state that the proxy shares with its connections.
#[derive(Debug)]
struct Shared {
    backend: SocketAddr,
    marker: Vec<u8>,
    state: Mutex<State>,
    unreachable: watch::Sender<bool>,
}

/// The cut that is due, and the cuts so far.
#[derive(Debug, Default)]
struct State {
    /// The cut of the next write, if one is wanted.
    next: Option<Cut>,
    /// How many connections were cut.
    cuts: usize,
}

impl CuttingProxy {
    /// Listens on a free port of 127.0.0.1, and passes connections on to `backend`.
    ///
    /// An empty `marker` takes everything that the store sends for a write. The proxy ends when it
    /// is dropped. Call it within a tokio runtime.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(backend: SocketAddr, marker: impl Into<Vec<u8>>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            backend,
            marker: marker.into(),
            state: Mutex::default(),
            unreachable: watch::Sender::new(false),
        });
        let task = tokio::spawn(accept(listener, shared.clone())).abort_handle();
        Ok(Self {
            address,
            shared,
            task,
        })
    }

    /// Returns the address at which the store must connect.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for CuttingProxy {
    fn drop(&mut self) {
        self.task.abort();
        self.shared.unreachable.send_replace(true);
    }
}

#[async_trait]
impl ConnectionCutter for CuttingProxy {
    async fn cut(&self, cut: Cut) {
        if cut == Cut::Unreachable {
            self.shared.unreachable.send_replace(true);
        } else {
            self.shared.state().next = Some(cut);
        }
    }

    async fn restore(&self) -> usize {
        self.shared.unreachable.send_replace(false);
        std::mem::take(&mut *self.shared.state()).cuts
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the backend is unreachable, and counts the connection that this cuts.
    ///
    /// It counts before the connection is dropped, so that a store that has noticed is counted.
    async fn cut_off(&self) {
        let mut unreachable = self.unreachable.subscribe();
        // The sender lives as long as `self`.
        let _ = unreachable.wait_for(|unreachable| *unreachable).await;
        self.state().cuts += 1;
    }

    /// Returns the cut that is due, if `sent` has a write in it.
    fn due(&self, sent: &[u8]) -> Option<Cut> {
        let is_write = self.marker.is_empty()
            || sent
                .windows(self.marker.len())
                .any(|bytes| bytes == self.marker);
        let mut state = self.state();
        let cut = state.next.take_if(|_| is_write)?;
        state.cuts += 1;
        Some(cut)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = shared.cut_off() => {}
                // Either side may end the connection at any time.
                _ = pass_on(client, &shared) => {}
            }
        });
    }
}

/// Passes bytes on in both directions, until one side closes or the connection is cut.
async fn pass_on(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut server = TcpStream::connect(shared.backend).await?;
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let (mut from_client, mut from_server) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    // The end of what was sent before: a marker may come in two pieces.
    let mut sent = Vec::new();
    let mut swallow = false;
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let bytes = &from_client[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                if *shared.unreachable.borrow() {
                    // The write came after the cut, in the poll that had not seen it yet.
                    shared.cut_off().await;
                    return Ok(());
                }
                sent.extend_from_slice(bytes);
                match shared.due(&sent) {
                    Some(Cut::BeforeAnswer) => swallow = true,
                    Some(_) => return Ok(()),
                    None => {}
                }
                sent.drain(..(sent.len() + 1).saturating_sub(shared.marker.len().max(1)));
                server.write_all(bytes).await?;
            }
            read = server.read(&mut from_server) => {
                let bytes = &from_server[..read?];
                if swallow && !bytes.is_empty() {
                    return finish(&mut server).await;
                }
                if bytes.is_empty() {
                    return Ok(());
                }
                client.write_all(bytes).await?;
            }
        }
    }
}

/// Lets the backend handle every request that was passed on: it closes its side after the last one.
///
/// The first answer may be to an earlier request, so that it does not prove that the write was
/// made.
async fn finish(server: &mut TcpStream) -> io::Result<()> {
    server.shutdown().await?;
    let mut rest = [0; 1024];
    while let Ok(Ok(1..)) = timeout(SILENCE, server.read(&mut rest)).await {}
    Ok(())
}
