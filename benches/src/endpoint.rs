//! A token endpoint that takes its time, inside of this process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokenkeeper_session::{Transport, TransportError};

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
    requests: Arc<AtomicUsize>,
    answered: Arc<std::sync::Mutex<Option<Instant>>>,
}

impl Endpoint {
    /// An endpoint that answers after so long.
    #[must_use]
    pub fn new(answer: Answer, takes: Duration) -> Self {
        Self {
            answer,
            takes,
            requests: Arc::default(),
            answered: Arc::default(),
        }
    }

    /// How many requests have come.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// When it answered last.
    ///
    /// # Panics
    /// If another thread panicked here.
    #[must_use]
    pub fn answered(&self) -> Option<Instant> {
        *self.answered.lock().expect("nothing panics under the lock")
    }
}

#[async_trait]
impl Transport for Endpoint {
    async fn send(
        &self,
        _: Request<Bytes>,
        _: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let count = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::time::sleep(self.takes).await;
        let (status, body) = match self.answer {
            Answer::Tokens => {
                let tokens = format!(
                    r#"{{"access_token":"access-{count}","refresh_token":"refresh-{count}","token_type":"Bearer","expires_in":3600}}"#
                );
                (200, tokens)
            }
            Answer::Unavailable => (503, String::new()),
        };
        let mut answer = Response::builder()
            .status(status)
            .header("content-type", "application/json");
        if self.answer == Answer::Unavailable {
            answer = answer.header("retry-after", "60");
        }
        let answer = answer.body(Bytes::from(body)).expect("the parts are valid");
        *self.answered.lock().expect("nothing panics under the lock") = Some(Instant::now());
        Ok(answer)
    }
}
