//! moka, whose `try_get_with` lets one caller fetch for all waiters.

use http::{HeaderValue, header::AUTHORIZATION};
use moka::future::Cache;
use tokenkeeper_benches::{Endpoint, token};

use crate::{Peer, send_with};

/// A cache of headers by account, without an entry.
#[derive(Clone, Debug)]
pub struct Moka {
    headers: Cache<&'static str, HeaderValue>,
    endpoint: Endpoint,
}

impl Peer for Moka {
    async fn expired(endpoint: Endpoint) -> Self {
        Self {
            headers: Cache::new(1000),
            endpoint,
        }
    }

    async fn send(&self) -> bool {
        let fetch = async {
            self.endpoint.exchange().await.ok_or("503")?;
            HeaderValue::try_from(format!("Bearer {}", token())).map_err(|_| "no header")
        };
        let Ok(header) = self.headers.try_get_with("user-1", fetch).await else {
            return false;
        };
        send_with(async |request| {
            request.headers_mut().insert(AUTHORIZATION, header);
            true
        })
        .await
    }
}
