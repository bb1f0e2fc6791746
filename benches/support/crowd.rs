//! Tasks that wait for one token.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Empty;
use tokio::task::JoinHandle;
use tower::Service as _;

use crate::{Bare, Endpoint, Engine, request};

/// Builds the request of a task that waits, with four headers.
#[must_use]
pub fn waiting_request() -> Request<Empty<Bytes>> {
    static API: LazyLock<Uri> = LazyLock::new(Engine::api);
    request(&API, 4)
}

/// Attaches a token to the request of a task and sends it. Returns whether there was a token.
pub async fn send_with(attach: impl AsyncFnOnce(&mut Request<Empty<Bytes>>) -> bool) -> bool {
    let mut request = waiting_request();
    attach(&mut request).await && Bare.call(request).await.is_ok()
}

/// Tasks of which each sends a request and waits for a token.
///
/// They are counted apart: what they cost while they wait, and until they are served.
#[derive(Debug)]
pub struct Crowd {
    tasks: Vec<JoinHandle<bool>>,
}

impl Crowd {
    /// Prepares a number of tasks.
    #[must_use]
    pub fn new(tasks: usize) -> Self {
        Self {
            tasks: Vec::with_capacity(tasks),
        }
    }

    /// Starts the tasks and returns once each of them waits.
    ///
    /// The endpoint must [hold](Endpoint::held) its answer.
    pub async fn gather<S, F>(&mut self, send: S)
    where
        S: Fn() -> F + Clone + Send + 'static,
        F: Future<Output = bool> + Send,
    {
        static BEGUN: AtomicUsize = AtomicUsize::new(0);
        BEGUN.store(0, Ordering::SeqCst);
        for _ in 0..self.tasks.capacity() {
            let send = send.clone();
            self.tasks.push(tokio::spawn(async move {
                BEGUN.fetch_add(1, Ordering::Relaxed);
                // Made here: a future that is captured is kept twice.
                send().await
            }));
        }
        // A task waits at the end of its first poll.
        while BEGUN.load(Ordering::SeqCst) < self.tasks.len() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Releases the endpoint's answer and waits for all tasks.
    ///
    /// # Panics
    /// If a task got no token, or if there was more than one token request.
    pub async fn serve(self, endpoint: &Endpoint) {
        endpoint.release();
        for task in self.tasks {
            let served = task.await.expect("no task panics");
            assert!(served, "a task got no token");
        }
        assert_eq!(endpoint.requests(), 1);
    }
}
