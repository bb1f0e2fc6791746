//! A token endpoint that takes its time, inside of this process.

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
use tokenkeeper_engine::{Transport, TransportError};

/// What an [`Endpoint`] says to every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// New tokens, valid for an hour.
    Tokens,
    /// 503, to be asked again in a minute.
    Unavailable,
}

/// A token endpoint that counts its requests. A clone is the same endpoint.
#[derive(Clone, Debug)]
pub struct Endpoint {
    answer: Answer,
    takes: Duration,
    lifetime: Duration,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    requests: AtomicUsize,
    /// How many of them have ended the tokens before.
    ended: AtomicUsize,
    answers: AtomicUsize,
    answered: Mutex<Option<Instant>>,
}

impl Endpoint {
    /// An endpoint that answers after so long.
    #[must_use]
    pub fn new(answer: Answer, takes: Duration) -> Self {
        Self {
            answer,
            takes,
            lifetime: Duration::from_secs(3600),
            seen: Arc::default(),
        }
    }

    /// With tokens that are valid for so many whole seconds.
    #[must_use]
    pub fn lasting(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How many requests have come.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    /// Whether a request waits for its answer.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.requests() > self.seen.answers.load(Ordering::SeqCst)
    }

    /// Whether it has ended the token of this `Authorization`: it ends the one before when half of its time is over.
    #[must_use]
    pub fn has_ended(&self, authorization: &[u8]) -> bool {
        let number = authorization
            .strip_prefix(b"Bearer access-")
            .and_then(|number| str::from_utf8(number).ok()?.parse().ok());
        number.unwrap_or(0) < self.seen.ended.load(Ordering::SeqCst)
    }

    /// When it answered last.
    ///
    /// # Panics
    /// If another thread panicked here.
    #[must_use]
    pub fn answered(&self) -> Option<Instant> {
        *self
            .seen
            .answered
            .lock()
            .expect("nothing panics under the lock")
    }

    /// What stands between a request and its answer: the number of the new tokens, if it gives any.
    ///
    /// # Panics
    /// If another thread panicked here.
    pub async fn exchange(&self) -> Option<usize> {
        let count = self.seen.requests.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::time::sleep(self.takes / 2).await;
        if self.answer == Answer::Tokens {
            self.seen.ended.fetch_max(count, Ordering::SeqCst);
        }
        tokio::time::sleep(self.takes / 2).await;
        *self
            .seen
            .answered
            .lock()
            .expect("nothing panics under the lock") = Some(Instant::now());
        self.seen.answers.fetch_add(1, Ordering::SeqCst);
        (self.answer == Answer::Tokens).then_some(count)
    }
}

#[async_trait]
impl Transport for Endpoint {
    async fn send(
        &self,
        _: Request<Bytes>,
        _: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let answer = Response::builder().header("content-type", "application/json");
        let answer = match self.exchange().await {
            Some(count) => {
                let expires_in = self.lifetime.as_secs();
                let tokens = format!(
                    r#"{{"access_token":"access-{count}","refresh_token":"refresh-{count}","token_type":"Bearer","expires_in":{expires_in}}}"#
                );
                answer.body(tokens.into())
            }
            None => answer
                .status(503)
                .header("retry-after", "60")
                .body(Bytes::new()),
        };
        Ok(answer.expect("the parts are valid"))
    }
}
