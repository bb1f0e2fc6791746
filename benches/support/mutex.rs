//! A hand-written cache: a token under tokio's mutex, formatted into a header for each request.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderValue, Request, header::AUTHORIZATION};
use tokio::sync::Mutex;

use crate::{Endpoint, token};

/// A token that expires, as text.
#[derive(Debug)]
pub struct HeldToken {
    token: String,
    expires_at: Instant,
}

impl HeldToken {
    /// Creates a token with this lifetime.
    #[must_use]
    pub fn new(token: String, lifetime: Duration) -> Self {
        Self {
            token,
            expires_at: Instant::now() + lifetime,
        }
    }

    /// Returns whether it has not expired.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        Instant::now() < self.expires_at
    }

    /// Attaches it to a request.
    ///
    /// # Panics
    /// Never: the token is ASCII.
    pub fn attach<B>(&self, request: &mut Request<B>) {
        let header = HeaderValue::try_from(format!("Bearer {}", self.token));
        let header = header.expect("the token is ASCII");
        request.headers_mut().insert(AUTHORIZATION, header);
    }
}

/// A token under tokio's mutex, held across the refresh: one task refreshes, all others wait.
#[derive(Clone, Debug)]
pub struct AsyncMutex {
    held: Arc<Mutex<HeldToken>>,
    endpoint: Endpoint,
}

impl AsyncMutex {
    /// Creates a cache with a token of this lifetime.
    #[must_use]
    pub fn new(endpoint: Endpoint, lifetime: Duration) -> Self {
        let held = HeldToken::new(token(), lifetime);
        Self {
            held: Arc::new(Mutex::new(held)),
            endpoint,
        }
    }

    /// Attaches a token; returns whether there was one.
    pub async fn attach<B>(&self, request: &mut Request<B>) -> bool {
        let mut held = self.held.lock().await;
        if !held.is_valid() {
            let Some(number) = self.endpoint.exchange().await else {
                return false;
            };
            let token = self.endpoint.access_token(number);
            *held = HeldToken::new(token, Duration::from_secs(3600));
        }
        held.attach(request);
        true
    }
}
