//! A store on a TCP server, behind the suite's proxy: a lost answer that is misreported is found.

use std::io;
use std::net::SocketAddr;

use async_trait::async_trait;
use tokenkeeper_store::conformance::{self as rules, CuttingProxy, Subject};
use tokenkeeper_store::{Entry, Key, Outcome, StoreError, TokenStore, Version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use crate::simple_store::SimpleStore;

/// A client with one connection. A request is a word, the key, a version and a value, each after
/// its length; an answer is the outcome in one byte, a version and a value.
#[derive(Debug)]
struct RemoteStore {
    server: SocketAddr,
    connection: Mutex<Option<TcpStream>>,
    /// The error of a request that was sent and not answered.
    lost: fn(io::Error) -> StoreError,
}

const DONE: u8 = b'd';
const FOUND: u8 = b'f';
const MISSING: u8 = b'm';

impl RemoteStore {
    async fn call(&self, request: [&[u8]; 4]) -> Result<(u8, Option<Entry>), StoreError> {
        let mut slot = self.connection.lock().await;
        let mut connection = match slot.take() {
            Some(connection) => connection,
            None => connect(self.server)
                .await
                .map_err(StoreError::unavailable)?,
        };
        let answer = async {
            for part in request {
                send(&mut connection, part).await?;
            }
            let outcome = connection.read_u8().await?;
            let version = receive(&mut connection).await?;
            let value = receive(&mut connection).await?;
            let version = version.try_into().map(Version::from_bytes);
            let entry = version.ok().map(|version| Entry::new(version, value));
            Ok((outcome, entry))
        };
        let answer = answer.await.map_err(self.lost)?;
        *slot = Some(connection);
        Ok(answer)
    }

    async fn write(&self, request: [&[u8]; 4]) -> Result<Outcome, StoreError> {
        Ok(match self.call(request).await? {
            (DONE, _) => Outcome::Applied,
            (_, entry) => Outcome::Conflict(entry),
        })
    }
}

#[async_trait]
impl TokenStore for RemoteStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let answer = self.call([b"GET", &key.to_bytes(), b"", b""]).await;
        Ok(answer
            .map_err(|error| StoreError::unavailable(error.to_string()))?
            .1)
    }

    async fn put(
        &self,
        key: &Key,
        entry: &Entry,
        expected: Option<Version>,
    ) -> Result<Outcome, StoreError> {
        let expected = expected.map_or_else(Vec::new, |version| version.to_bytes().to_vec());
        let value = [&entry.version.to_bytes()[..], &entry.value].concat();
        self.write([b"WRITE put", &key.to_bytes(), &expected, &value])
            .await
    }

    async fn delete(&self, key: &Key, expected: Version) -> Result<Outcome, StoreError> {
        let expected = expected.to_bytes();
        self.write([b"WRITE delete", &key.to_bytes(), &expected, b""])
            .await
    }
}

/// Greets the server, so that a connection to a proxy without one behind it is an error.
async fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let mut connection = TcpStream::connect(server).await?;
    send(&mut connection, b"HELLO").await?;
    connection.read_u8().await?;
    Ok(connection)
}

async fn send(connection: &mut TcpStream, part: &[u8]) -> io::Result<()> {
    let length = u32::try_from(part.len()).expect("a short part");
    connection.write_u32(length).await?;
    connection.write_all(part).await
}

async fn receive(connection: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut part = vec![0; connection.read_u32().await? as usize];
    connection.read_exact(&mut part).await?;
    Ok(part)
}

/// Serves the entries of one store on a free port.
async fn start_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let store = SimpleStore::default();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            // A client may leave at any time.
            let store = store.clone();
            tokio::spawn(async move { _ = serve(connection, &store).await });
        }
    });
    address
}

async fn serve(mut connection: TcpStream, store: &SimpleStore) -> io::Result<()> {
    receive(&mut connection).await?;
    connection.write_u8(DONE).await?;
    loop {
        let word = receive(&mut connection).await?;
        let key = receive(&mut connection).await?;
        let key = Key::from_bytes(&key).expect("a key");
        let expected = receive(&mut connection).await?;
        let expected = expected.try_into().ok().map(Version::from_bytes);
        let value = receive(&mut connection).await?;
        let outcome = match &word[..] {
            b"GET" => Ok(Outcome::Conflict(
                store.get(&key).await.expect("no failure"),
            )),
            b"WRITE put" => {
                let (version, value) = value.split_first_chunk().expect("a version");
                let entry = Entry::new(Version::from_bytes(*version), value.to_vec());
                store.put(&key, &entry, expected).await
            }
            _ => store.delete(&key, expected.expect("a version")).await,
        };
        let (byte, entry) = match outcome.expect("no failure") {
            Outcome::Applied => (DONE, None),
            Outcome::Conflict(Some(entry)) => (FOUND, Some(entry)),
            Outcome::Conflict(None) => (MISSING, None),
        };
        connection.write_u8(byte).await?;
        let version = entry.as_ref().map(|entry| entry.version.to_bytes());
        send(&mut connection, version.as_ref().map_or(&[], |bytes| bytes)).await?;
        let value = entry.map(|entry| entry.value).unwrap_or_default();
        send(&mut connection, &value).await?;
    }
}

async fn behind_proxy(marker: &str, lost: fn(io::Error) -> StoreError) -> Subject {
    let proxy = CuttingProxy::start(start_server().await, marker)
        .await
        .expect("a free port");
    let store = RemoteStore {
        server: proxy.address(),
        connection: Mutex::default(),
        lost,
    };
    Subject::new(store).with_cutter(proxy)
}

#[tokio::test]
async fn an_honest_store_keeps_the_rules() {
    let subject = || behind_proxy("WRITE", StoreError::ambiguous);
    rules::cutter_is_declared(subject().await).await.unwrap();
    rules::lost_answer_to_a_put_is_ambiguous(subject().await)
        .await
        .unwrap();
    rules::lost_answer_to_a_delete_is_ambiguous(subject().await)
        .await
        .unwrap();
    rules::put_that_never_arrives_is_not_applied(subject().await)
        .await
        .unwrap();
    rules::unreachable_backend_is_unavailable(subject().await)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_store_that_misreports_lost_answers_is_found() {
    let subject = || behind_proxy("WRITE", StoreError::unavailable);
    for violation in [
        rules::lost_answer_to_a_put_is_ambiguous(subject().await)
            .await
            .unwrap_err(),
        rules::lost_answer_to_a_delete_is_ambiguous(subject().await)
            .await
            .unwrap_err(),
    ] {
        let text = violation.to_string();
        assert!(text.contains("it must be ambiguous"), "{text}");
    }
}

#[tokio::test]
async fn a_proxy_that_recognizes_no_write_is_found() {
    let subject = behind_proxy("COMMIT", StoreError::ambiguous).await;
    let violation = rules::lost_answer_to_a_put_is_ambiguous(subject)
        .await
        .unwrap_err();
    let text = violation.to_string();
    assert!(text.contains("the harness cut no connection"), "{text}");
}
