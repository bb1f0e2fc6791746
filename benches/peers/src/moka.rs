//! moka, whose `try_get_with` lets one caller fetch for all waiters.

use http::{HeaderValue, header::AUTHORIZATION};
use moka::future::Cache;
use tokenkeeper_benches::{Endpoint, send_with};

use crate::Peer;

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
        send_with(async |request| {
            let fetch = async {
                let number = self.endpoint.exchange().await.ok_or("503")?;
                let token = self.endpoint.access_token(number);
                HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| "no header")
            };
            let Ok(header) = self.headers.try_get_with("user-1", fetch).await else {
                return false;
            };
            request.headers_mut().insert(AUTHORIZATION, header);
            true
        })
        .await
    }
}
