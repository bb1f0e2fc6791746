//! A slow token endpoint within this process.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokenkeeper_engine::{RequestBody, Transport, TransportError};
use tokio::sync::Semaphore;

/// The response of an [`Endpoint`] to every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// New tokens, valid for an hour.
    Tokens,
    /// 503 with `Retry-After: 60`.
    Unavailable,
}

/// A token endpoint that counts its requests. Clones share the counters.
#[derive(Clone, Debug)]
pub struct Endpoint {
    answer: Answer,
    latency: Duration,
    lifetime: Duration,
    token_length: usize,
    counters: Arc<Counters>,
    /// Closed when held answers may come; `None` if none is held.
    hold: Option<Arc<Semaphore>>,
}

/// Counts of requests and answers, and the time of the last answer.
#[derive(Debug, Default)]
struct Counters {
    requests: AtomicUsize,
    /// The number of requests that ended the tokens issued before them.
    ended: AtomicUsize,
    answers: AtomicUsize,
    answered: Mutex<Option<Instant>>,
}

impl Endpoint {
    /// Creates an endpoint that answers after `latency`.
    #[must_use]
    pub fn new(answer: Answer, latency: Duration) -> Self {
        Self {
            answer,
            latency,
            lifetime: Duration::from_secs(3600),
            token_length: 0,
            counters: Arc::default(),
            hold: None,
        }
    }

    /// Sets the least length of the access tokens.
    #[must_use]
    pub fn token_length(mut self, length: usize) -> Self {
        self.token_length = length;
        self
    }

    /// Returns the access token of the answer with this number.
    #[must_use]
    pub fn access_token(&self, number: usize) -> String {
        let digits = self.token_length.saturating_sub("access-".len());
        format!("access-{number:0>digits$}")
    }

    /// Holds every answer until [`release`](Self::release).
    #[must_use]
    pub fn held(mut self) -> Self {
        self.hold = Some(Arc::new(Semaphore::new(0)));
        self
    }

    /// Lets held answers come, and all later ones.
    pub fn release(&self) {
        if let Some(hold) = &self.hold {
            hold.close();
        }
    }

    /// Sets the lifetime of the tokens, in whole seconds.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Returns the number of requests so far.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.counters.requests.load(Ordering::SeqCst)
    }

    /// Returns whether a request waits for its answer.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.requests() > self.counters.answers.load(Ordering::SeqCst)
    }

    /// Returns whether the token of this `Authorization` has been ended.
    ///
    /// A refresh ends the previous token when half of the latency has passed.
    #[must_use]
    pub fn has_ended(&self, authorization: &[u8]) -> bool {
        let number = authorization
            .strip_prefix(b"Bearer access-")
            .and_then(|number| str::from_utf8(number).ok()?.parse().ok());
        number.unwrap_or(0) < self.counters.ended.load(Ordering::SeqCst)
    }

    /// Returns the time of the last answer.
    ///
    /// # Panics
    /// If another thread panicked here.
    #[must_use]
    pub fn answered(&self) -> Option<Instant> {
        *self
            .counters
            .answered
            .lock()
            .expect("nothing panics under the lock")
    }

    /// Waits for the latency and returns the number of the new tokens, if it issues any.
    ///
    /// # Panics
    /// If another thread panicked here.
    pub async fn exchange(&self) -> Option<usize> {
        let count = self.counters.requests.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::time::sleep(self.latency / 2).await;
        if self.answer == Answer::Tokens {
            self.counters.ended.fetch_max(count, Ordering::SeqCst);
        }
        tokio::time::sleep(self.latency / 2).await;
        if let Some(hold) = &self.hold {
            // Fails when it is closed, which is the release.
            let _ = hold.acquire().await;
        }
        *self
            .counters
            .answered
            .lock()
            .expect("nothing panics under the lock") = Some(Instant::now());
        self.counters.answers.fetch_add(1, Ordering::SeqCst);
        (self.answer == Answer::Tokens).then_some(count)
    }
}

#[async_trait]
impl Transport for Endpoint {
    async fn send(
        &self,
        _: Request<RequestBody>,
        _: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let answer = Response::builder().header("content-type", "application/json");
        let answer = match self.exchange().await {
            Some(count) => {
                let expires_in = self.lifetime.as_secs();
                let tokens = serde_json::json!({
                    "access_token": self.access_token(count),
                    "refresh_token": format!("refresh-{count}"),
                    "token_type": "Bearer",
                    "expires_in": expires_in,
                });
                answer.body(tokens.to_string().into())
            }
            None => answer
                .status(503)
                .header("retry-after", "60")
                .body(Bytes::new()),
        };
        Ok(answer.expect("the parts are valid"))
    }
}
