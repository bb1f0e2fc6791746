//! The warning about missing local ports.

use std::{
    error::Error,
    fmt, io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokenkeeper_engine::{RequestBody, Transport, TransportError};

use crate::harness::{HOUR, InProcessTransport, MINUTE, World};

/// A transport that finds no local port while `exhausted` is set.
#[derive(Debug)]
struct Exhaustible {
    inner: InProcessTransport,
    exhausted: Arc<AtomicBool>,
}

#[async_trait]
impl Transport for Exhaustible {
    async fn send(
        &self,
        request: Request<RequestBody>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        if self.exhausted.load(Ordering::SeqCst) {
            return Err(TransportError::NotSent(Box::new(ConnectError)));
        }
        self.inner.send(request, deadline).await
    }
}

/// What a client wraps the error of the system in.
#[derive(Debug)]
struct ConnectError;

static NO_PORT: std::sync::LazyLock<io::Error> =
    std::sync::LazyLock::new(|| io::ErrorKind::AddrNotAvailable.into());

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tcp connect error")
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*NO_PORT)
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// The lines that contain this text.
    fn lines(&self, text: &str) -> Vec<String> {
        let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = log.lines().filter(|line| line.contains(text));
        lines.map(str::to_owned).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn missing_local_ports_are_one_warning_per_shortage() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let world = World::amiqus();
    world.connect_account().await;
    let exhausted = Arc::new(AtomicBool::new(true));
    let transport = Exhaustible {
        inner: InProcessTransport::new(world.emulator.clone()),
        exhausted: exhausted.clone(),
    };
    let process = world.builder().transport(transport).build().unwrap();
    let account = world.account_of(&process);
    world.advance(HOUR).await;
    for _ in 0..4 {
        account.refresh().await.unwrap_err();
        world.advance(MINUTE / 2).await;
    }
    let warned = log.lines("no local port is free");
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(warned[0].contains(" WARN "), "{warned:?}");
    assert!(warned[0].contains("host="), "{warned:?}");

    exhausted.store(false, Ordering::SeqCst);
    world.advance(MINUTE * 10).await;
    account.refresh().await.unwrap();
    let ended = log.lines("local ports are free again");
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert!(ended[0].contains("failed="), "{ended:?}");
}
