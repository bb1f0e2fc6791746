//! Hand-written caches: a token under a mutex, formatted into a header for each request.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::Request;
use tokenkeeper_benches::{AsyncMutex, Endpoint, HeldToken, send_with, token};

use crate::Peer;

/// A token under the standard library's mutex, without a refresh.
///
/// That mutex cannot be held across an await.
#[derive(Clone, Debug)]
pub struct StdMutex(Arc<Mutex<HeldToken>>);

impl Default for StdMutex {
    fn default() -> Self {
        let held = HeldToken::new(token(), Duration::from_secs(3600));
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

impl Peer for AsyncMutex {
    async fn expired(endpoint: Endpoint) -> Self {
        Self::new(endpoint, Duration::ZERO)
    }

    async fn send(&self) -> bool {
        send_with(async |request| self.attach(request).await).await
    }
}
