use std::{sync::Arc, time::Duration};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error as MiddlewareError};
use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
use tokenkeeper_reqwest::{TokenMiddleware, TokenPolicy};

pub use tokenkeeper_test_support::{
    api::Api,
    reqwest_builder as builder, reqwest_builder_of_environment as builder_of_environment,
    scripted::{Place, Scripted},
};

use crate::{addresses::Names, http2::server::Server};

pub use tokenkeeper_reqwest::{Error, ReqwestTransport as Tested};

pub const PLACES: [Place; 3] = [Place::Authorization, Place::OwnHeader, Place::Query];

/// The transport under test.
pub fn transport() -> Tested {
    Tested::from_builder(builder).unwrap()
}

/// The transport under test, which trusts this server.
pub fn trusting(server: &Server) -> Tested {
    Tested::from_builder(builder_trusting(server)).unwrap()
}

fn builder_trusting(server: &Server) -> impl Fn() -> reqwest::ClientBuilder + use<> {
    let tls = server.client_config();
    move || {
        let builder = reqwest::Client::builder().tls_backend_preconfigured(tls.clone());
        builder.no_proxy()
    }
}

/// The transport under test, which also resolves with these names.
pub fn resolving(server: &Server, names: Names) -> Tested {
    Tested::with_resolver(builder_trusting(server), Arc::new(names)).unwrap()
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let answer = self.answer(name.as_str()).into_iter();
        Box::pin(async { Ok(Box::new(answer) as Addrs) })
    }
}

/// A client for any attachment.
pub fn client(source: Scripted) -> ClientWithMiddleware {
    tokenkeeper_reqwest::client(builder(), TokenPolicy::from_source(source)).unwrap()
}

/// A middleware over a scripted source.
pub fn token_middleware(source: Scripted) -> Result<TokenMiddleware, Error> {
    TokenMiddleware::new(TokenPolicy::from_source(source))
}

/// A finished client with the middleware put over it.
pub fn over_finished_client(middleware: TokenMiddleware) -> ClientWithMiddleware {
    let client = ClientBuilder::new(builder().build().unwrap());
    client.with(middleware).build()
}

/// A client that retries each request up to `retries` times, without pauses, each with a token.
pub fn retrying(token: TokenMiddleware, retries: u32) -> ClientWithMiddleware {
    let policy = ExponentialBackoff::builder()
        .retry_bounds(Duration::ZERO, Duration::ZERO)
        .build_with_max_retries(retries);
    ClientBuilder::new(builder().build().unwrap())
        .with(RetryTransientMiddleware::new_with_policy(policy))
        .with(token)
        .build()
}

/// The error of ours that the request failed with.
pub fn middleware_error<T: std::fmt::Debug>(sent: Result<T, MiddlewareError>) -> Error {
    match sent.unwrap_err() {
        MiddlewareError::Middleware(error) => error.downcast().unwrap(),
        error => panic!("{error:?}"),
    }
}
