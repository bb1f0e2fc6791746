//! Host names, and the addresses that a request may go to.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    vec,
};

use async_trait::async_trait;
use hyper_util::client::legacy::connect::dns::Name;
use tokenkeeper_engine::protocol::{AddressPolicy, AddressRefused};
use tokio::net::lookup_host;
use tower_service::Service;

use crate::BoxError;

/// Resolves the names of token endpoints' hosts for a [`HyperTransport`](crate::HyperTransport).
///
/// ```
/// use std::{io, net::SocketAddr};
///
/// use async_trait::async_trait;
/// use tokenkeeper_tower::{HyperTransport, Resolve};
///
/// /// Asks a DNS library.
/// #[derive(Debug)]
/// struct MyResolver;
///
/// #[async_trait]
/// impl Resolve for MyResolver {
///     async fn resolve(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
///         # let address = [192, 0, 32, 7];
///         Ok(vec![SocketAddr::from((address, 0))])
///     }
/// }
///
/// # let crypto = std::sync::Arc::new(rustls::crypto::ring::default_provider());
/// # || -> Result<(), tokenkeeper_tower::Error> {
/// let transport = HyperTransport::with_crypto(crypto)?.resolver(MyResolver);
/// # Ok(())
/// # };
/// ```
#[async_trait]
pub trait Resolve: fmt::Debug + Send + Sync + 'static {
    /// Returns the addresses of a host, in the order in which they are tried. Port 0 stands for
    /// that of the URL.
    ///
    /// A name with a trailing dot is absolute: no search list applies to it. Which addresses the
    /// request may go to is judged afterwards.
    ///
    /// # Errors
    /// The name cannot be resolved.
    async fn resolve(&self, name: &str) -> io::Result<Vec<SocketAddr>>;
}

/// The operating system's resolver.
#[derive(Debug)]
pub(super) struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host((name, 0)).await?.collect())
    }
}

/// Resolves for the connections of one policy, so that the addresses that are judged are those that
/// are connected to.
#[derive(Clone)]
pub(super) struct Filter {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) policy: Option<AddressPolicy>,
}

impl Filter {
    /// Checks a host that is an address, and so is not resolved.
    pub(super) fn check_address(&self, host: &str) -> Result<(), AddressRefused> {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse();
        if let (Some(policy), Ok(address)) = (self.policy, address) {
            let address: IpAddr = address;
            policy.allowed(host, [SocketAddr::new(address, 0)])?;
        }
        Ok(())
    }

    async fn resolve(self, host: Name) -> Result<Vec<SocketAddr>, BoxError> {
        let host = host.as_str();
        let Some(policy) = self.policy else {
            return Ok(self.resolver.resolve(host).await?);
        };
        let resolved = self.resolver.resolve(&policy.name_to_resolve(host)).await?;
        Ok(policy.allowed(host, resolved)?)
    }
}

impl Service<Name> for Filter {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, host: Name) -> Self::Future {
        let resolving = self.clone().resolve(host);
        Box::pin(async { Ok(resolving.await?.into_iter()) })
    }
}
