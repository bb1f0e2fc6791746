//! A hand-written cache: a token under a mutex, formatted into a header for each request.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use http::{HeaderValue, Request, header::AUTHORIZATION};
use tokenkeeper_benches::{Endpoint, token};

use crate::{Peer, send_with};

/// A token and when it expires.
#[derive(Debug)]
struct Held {
    token: String,
    expires_at: Instant,
}

impl Held {
    fn with_lifetime(lifetime: Duration) -> Self {
        Self {
            token: token(),
            expires_at: Instant::now() + lifetime,
        }
    }

    fn is_valid(&self) -> bool {
        Instant::now() < self.expires_at
    }

    fn attach<B>(&self, request: &mut Request<B>) {
        let header = HeaderValue::try_from(format!("Bearer {}", self.token));
        let header = header.expect("the token is ASCII");
        request.headers_mut().insert(AUTHORIZATION, header);
    }
}

/// A token under the standard library's mutex, without a refresh.
///
/// That mutex cannot be held across an await.
#[derive(Clone, Debug)]
pub struct StdMutex(Arc<Mutex<Held>>);

impl Default for StdMutex {
    fn default() -> Self {
        let held = Held::with_lifetime(Duration::from_secs(3600));
        Self(Arc::new(Mutex::new(held)))
    }
}

impl StdMutex {
    /// Attaches a token; returns whether there was one.
    ///
    /// # Panics
    /// If another thread panicked here.
    pub fn attach<B>(&self, request: &mut Request<B>) -> bool {
        let held = self.0.lock().expect("nothing panics under the lock");
        let valid = held.is_valid();
        if valid {
            held.attach(request);
        }
        valid
    }
}

/// A token under tokio's mutex, held across the refresh: one task refreshes, all others wait.
#[derive(Clone, Debug)]
pub struct AsyncMutex {
    held: Arc<tokio::sync::Mutex<Held>>,
    endpoint: Endpoint,
}

impl AsyncMutex {
    /// Creates a cache with a token of this lifetime.
    #[must_use]
    pub fn new(endpoint: Endpoint, lifetime: Duration) -> Self {
        let held = Held::with_lifetime(lifetime);
        Self {
            held: Arc::new(tokio::sync::Mutex::new(held)),
            endpoint,
        }
    }

    /// Attaches a token; returns whether there was one.
    pub async fn attach<B>(&self, request: &mut Request<B>) -> bool {
        let mut held = self.held.lock().await;
        if !held.is_valid() {
            if self.endpoint.exchange().await.is_none() {
                return false;
            }
            *held = Held::with_lifetime(Duration::from_secs(3600));
        }
        held.attach(request);
        true
    }
}

impl Peer for AsyncMutex {
    async fn expired(endpoint: Endpoint) -> Self {
        Self::new(endpoint, Duration::ZERO)
    }

    async fn send(&self) -> bool {
        send_with(async |request| self.attach(request).await).await
    }
}
