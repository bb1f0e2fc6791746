//! The bearer token policy of azure_core, which the Azure SDK uses.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    error::ErrorKind,
    http::{
        AsyncRawResponse, Context, Method, Request, StatusCode,
        headers::Headers,
        policies::{Policy, PolicyResult, auth::BearerTokenAuthorizationPolicy},
    },
    time::OffsetDateTime,
};
use tokenkeeper_benches::{Endpoint, Engine, request, token};

use crate::Peer;

/// A pipeline whose last policy answers at once.
#[derive(Clone, Debug)]
pub struct Azure {
    policies: Arc<[Arc<dyn Policy>]>,
}

impl Azure {
    /// Creates a pipeline with the bearer token policy and without a token.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self::with(Source {
            endpoint,
            expired: false.into(),
        })
    }

    /// Creates a pipeline without the bearer token policy.
    #[must_use]
    pub fn bare() -> Self {
        Self {
            policies: Arc::new([Arc::new(Answers)]),
        }
    }

    fn with(source: Source) -> Self {
        let policy = BearerTokenAuthorizationPolicy::new(Arc::new(source), ["scope"]);
        Self {
            policies: Arc::new([Arc::new(policy), Arc::new(Answers)]),
        }
    }

    /// Sends a request; returns whether there was a token.
    pub async fn run(&self, mut request: Request) -> bool {
        let (first, next) = self.policies.split_first().expect("the last one answers");
        let context = Context::new();
        first.send(&context, &mut request, next).await.is_ok()
    }
}

/// Builds the same request as for the others, of azure_core's own type.
#[must_use]
pub fn azure_request(headers: usize) -> Request {
    let uri = Engine::api();
    let like = request(&uri, headers);
    let url = uri.to_string().parse().expect("a URI is a URL");
    let mut request = Request::new(url, Method::Get);
    for (name, value) in like.headers() {
        let value = value.to_str().expect("the headers are ASCII");
        request.insert_header(name.as_str().to_owned(), value.to_owned());
    }
    request
}

impl Peer for Azure {
    async fn expired(endpoint: Endpoint) -> Self {
        let azure = Self::with(Source {
            endpoint,
            expired: true.into(),
        });
        azure.run(azure_request(4)).await;
        azure
    }

    async fn send(&self) -> bool {
        self.run(azure_request(4)).await
    }
}

/// The policy that answers at once.
#[derive(Debug)]
struct Answers;

#[async_trait]
impl Policy for Answers {
    async fn send(
        &self,
        _: &Context,
        request: &mut Request,
        _: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        std::hint::black_box(request);
        let (headers, body) = (Headers::new(), Vec::new());
        Ok(AsyncRawResponse::from_bytes(StatusCode::Ok, headers, body))
    }
}

/// A source of tokens from an [`Endpoint`].
#[derive(Debug)]
struct Source {
    endpoint: Endpoint,
    /// Whether the next token is an expired one, which needs no request.
    expired: AtomicBool,
}

#[async_trait]
impl TokenCredential for Source {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let (mut token, mut lifetime) = (token(), Duration::ZERO);
        if !self.expired.swap(false, Ordering::Relaxed) {
            let refused = || azure_core::Error::with_message(ErrorKind::Credential, "503");
            let number = self.endpoint.exchange().await.ok_or_else(refused)?;
            token = self.endpoint.access_token(number);
            lifetime = Duration::from_secs(3600);
        }
        let expires_at = OffsetDateTime::now_utc() + lifetime;
        Ok(AccessToken::new(token, expires_at))
    }
}
