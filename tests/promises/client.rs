//! One client for both fronts: what holds for one is tested for the other.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client as HyperClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use reqwest_middleware::ClientWithMiddleware;
use tokenkeeper::tower::{Replay, TokenLayer, TokenPolicy, TokenService};
pub use tokenkeeper_test_support::reqwest_builder;
use tokenkeeper_test_support::scripted::Scripted;
use tower::{Layer as _, ServiceExt as _};

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A front of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    Tower,
    Reqwest,
}

/// An HTTP client wrapped by a front.
#[derive(Clone)]
pub enum Client {
    Tower(Box<TokenService<HyperClient<HttpConnector, Replay<Full<Bytes>>>>>),
    Reqwest(ClientWithMiddleware),
}

impl Front {
    pub const ALL: [Self; 2] = [Self::Tower, Self::Reqwest];

    /// A client whose requests carry a token, wherever its provider wants it.
    pub fn client(self, policy: impl Into<TokenPolicy>) -> Client {
        match self {
            Self::Tower => Client::tower(TokenLayer::new(policy)),
            Self::Reqwest => {
                Client::Reqwest(tokenkeeper::reqwest::client(reqwest_builder(), policy).unwrap())
            }
        }
    }

    /// A client whose requests carry the tokens of a scripted source.
    pub fn scripted(self, source: Scripted) -> Client {
        self.client(TokenPolicy::from_source(source))
    }
}

impl Client {
    pub fn tower(layer: TokenLayer) -> Self {
        let http = HyperClient::builder(TokioExecutor::new()).build_http();
        Self::Tower(Box::new(layer.layer(http)))
    }

    /// Sends `request` and reads the response to its end.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, BoxError> {
        match self {
            Self::Tower(service) => {
                let request = request.map(Full::new);
                read(service.clone().oneshot(request).await?).await
            }
            Self::Reqwest(client) => {
                let mut extensions = request.extensions().clone();
                let request = reqwest::Request::try_from(request)?;
                let sent = client.execute_with_extensions(request, &mut extensions);
                read(Response::<reqwest::Body>::from(sent.await?)).await
            }
        }
    }
}

/// Reads a response to its end.
async fn read<B>(response: Response<B>) -> Result<Response<Bytes>, BoxError>
where
    B: BodyExt<Data = Bytes, Error: Into<BoxError>>,
{
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(Into::into)?;
    Ok(Response::from_parts(head, body.to_bytes()))
}

pub fn get(url: impl AsRef<str>) -> Request<Bytes> {
    Request::get(url.as_ref()).body(Bytes::new()).unwrap()
}

pub fn post(url: impl AsRef<str>) -> Request<Bytes> {
    Request::post(url.as_ref()).body("a body".into()).unwrap()
}
