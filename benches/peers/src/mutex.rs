//! What an application writes by itself: a token under a mutex, and a header made of it for each request.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use http::{HeaderValue, Request, header::AUTHORIZATION};
use tokenkeeper_benches::{Endpoint, token};

use crate::Peer;

/// A token and when it expires.
#[derive(Debug)]
struct Held {
    token: String,
    expires_at: Instant,
}

impl Held {
    fn lasting(lifetime: Duration) -> Self {
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

/// The standard library's mutex, which cannot be held while something is awaited: it knows no refresh.
#[derive(Clone, Debug)]
pub struct StdMutex(Arc<Mutex<Held>>);

impl Default for StdMutex {
    fn default() -> Self {
        let held = Held::lasting(Duration::from_secs(3600));
        Self(Arc::new(Mutex::new(held)))
    }
}

impl StdMutex {
    /// Whether a token was attached.
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

/// tokio's mutex, held across the refresh, so that one refreshes and all others wait for it.
#[derive(Clone, Debug)]
pub struct AsyncMutex {
    held: Arc<tokio::sync::Mutex<Held>>,
    endpoint: Endpoint,
}

impl AsyncMutex {
    /// With a token that lives so long.
    #[must_use]
    pub fn new(endpoint: Endpoint, lifetime: Duration) -> Self {
        let held = Held::lasting(lifetime);
        Self {
            held: Arc::new(tokio::sync::Mutex::new(held)),
            endpoint,
        }
    }

    /// Whether a token was attached.
    pub async fn attach<B>(&self, request: &mut Request<B>) -> bool {
        let mut held = self.held.lock().await;
        if !held.is_valid() {
            if self.endpoint.exchange().await.is_none() {
                return false;
            }
            *held = Held::lasting(Duration::from_secs(3600));
        }
        held.attach(request);
        true
    }
}

impl Peer for AsyncMutex {
    async fn expired(endpoint: Endpoint) -> Self {
        Self::new(endpoint, Duration::ZERO)
    }

    async fn ask(&self) -> bool {
        self.attach(&mut Request::new(())).await
    }
}
