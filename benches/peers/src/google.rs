//! google-cloud-auth with user credentials, whose token endpoint is configurable.

use std::convert::Infallible;

use bytes::Bytes;
use google_cloud_auth::credentials::{CacheableResource, Credentials, user_account::Builder};
use http::{Extensions, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokenkeeper_benches::{Endpoint, send_with};
use tokio::net::TcpListener;

use crate::Peer;

/// Credentials whose background task keeps a token, over loopback.
#[derive(Clone, Debug)]
pub struct Google(Credentials);

impl Google {
    /// Creates credentials without a token, and starts their background task.
    ///
    /// # Panics
    /// If called outside a runtime.
    pub async fn new(endpoint: Endpoint) -> Self {
        // Fails if one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let person = serde_json::json!({
            "client_id": "client-1",
            "client_secret": "secret-1",
            "refresh_token": "refresh-1",
            "type": "authorized_user",
            "token_uri": serve(endpoint).await,
        });
        Self(Builder::new(person).build().expect("all fields are set"))
    }

    /// Attaches a token; returns whether there was one.
    pub async fn attach<B>(&self, request: &mut Request<B>) -> bool {
        match self.0.headers(Extensions::new()).await {
            Ok(CacheableResource::New { data, .. }) => {
                request.headers_mut().extend(data);
                true
            }
            _ => false,
        }
    }
}

impl Peer for Google {
    async fn expired(endpoint: Endpoint) -> Self {
        Self::new(endpoint).await
    }

    async fn send(&self) -> bool {
        send_with(async |request| self.attach(request).await).await
    }
}

/// Serves the endpoint until the runtime ends.
async fn serve(endpoint: Endpoint) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port is free");
    let address = listener.local_addr().expect("the listener is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let endpoint = endpoint.clone();
            let answer = service_fn(move |_| answer(endpoint.clone()));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    format!("http://{address}/token")
}

async fn answer(endpoint: Endpoint) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::default();
    match endpoint.exchange().await {
        Some(number) => {
            let tokens = serde_json::json!({
                "access_token": endpoint.access_token(number),
                "token_type": "Bearer",
                "expires_in": 3600,
            });
            *response.body_mut() = Full::from(tokens.to_string());
        }
        None => *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE,
    }
    Ok(response)
}
