//! The two fronts, over real sockets.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Extensions, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use reqwest_middleware::{ClientWithMiddleware, Middleware, Next};
use tokenkeeper::{
    Account,
    reqwest::ReqwestTransport,
    tower::{HyperTransport, Replay, TokenLayer, TokenService},
    transport::Transport,
};
use tokio::sync::Semaphore;
use tower::{Layer as _, Service, ServiceExt as _};

use crate::BoxError;

/// The integration that gives an HTTP client its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    Tower,
    Reqwest,
}

/// An HTTP client with the tokens of one account.
#[derive(Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "each row of the table has only one"
)]
pub(crate) enum Client {
    Tower(TokenService<Sockets>),
    Reqwest(ClientWithMiddleware),
}

/// The limit of sockets in use: some systems allow a process 256 files, and both ends are in this
/// one.
///
/// The limit is below the token layer: all callers wait for one refresh, then for a socket.
pub(crate) const SOCKETS: usize = 50;

impl Front {
    pub(crate) const ALL: [Self; 2] = [Self::Tower, Self::Reqwest];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tower => "tower",
            Self::Reqwest => "reqwest",
        }
    }

    /// Makes the transport of token requests.
    pub(crate) fn transport(self) -> Result<Arc<dyn Transport>, BoxError> {
        Ok(match self {
            Self::Tower => Arc::new(HyperTransport::new()?),
            Self::Reqwest => Arc::new(ReqwestTransport::new()?),
        })
    }

    /// Makes the application's client.
    pub(crate) fn client(self, account: &Account) -> Result<Client, BoxError> {
        let permits = Arc::new(Semaphore::new(SOCKETS));
        Ok(match self {
            Self::Tower => {
                let client = legacy::Client::builder(TokioExecutor::new()).build_http();
                Client::Tower(TokenLayer::new(account.clone()).layer(Sockets { client, permits }))
            }
            Self::Reqwest => {
                let client =
                    tokenkeeper::reqwest::client(reqwest::Client::builder(), account.clone())?;
                let client = reqwest_middleware::ClientBuilder::from_client(client);
                Client::Reqwest(client.with(SocketLimit { permits }).build())
            }
        })
    }
}

impl Client {
    /// Calls the API.
    pub(crate) async fn get(&self, url: &str) -> Result<StatusCode, BoxError> {
        match self {
            Self::Tower(client) => {
                let request = Request::get(url).body(Empty::new())?;
                Ok(client.clone().oneshot(request).await?.status())
            }
            Self::Reqwest(client) => Ok(client.get(url).send().await?.status()),
        }
    }
}

/// hyper-util's client with a limit of sockets. Always ready: a waiting request has its token
/// already.
#[derive(Clone, Debug)]
pub(crate) struct Sockets {
    client: legacy::Client<HttpConnector, Replay<Empty<Bytes>>>,
    permits: Arc<Semaphore>,
}

impl Service<Request<Replay<Empty<Bytes>>>> for Sockets {
    type Response = Response<Bytes>;
    type Error = BoxError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response<Bytes>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Replay<Empty<Bytes>>>) -> Self::Future {
        let Self { client, permits } = self.clone();
        Box::pin(async move {
            let _permit = permits.acquire().await?;
            let (head, body) = client.request(request).await?.into_parts();
            Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
        })
    }
}

/// The same limit for reqwest.
struct SocketLimit {
    permits: Arc<Semaphore>,
}

#[async_trait::async_trait]
impl Middleware for SocketLimit {
    async fn handle(
        &self,
        request: reqwest::Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let permit = self.permits.acquire().await;
        let _permit = permit.map_err(reqwest_middleware::Error::middleware)?;
        let response = next.run(request, extensions).await?;
        // A response keeps its socket until its body has been read.
        let (head, body) = Response::<reqwest::Body>::from(response).into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Response::from_parts(head, body).into())
    }
}
