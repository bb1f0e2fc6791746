//! Host names, and the addresses that a request may go to.

use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokenkeeper_engine::protocol::AddressPolicy;
use tokio::net::lookup_host;

/// The operating system's resolver.
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses: Vec<_> = lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Resolves for the connections of one policy, so that the addresses that are judged are those that
/// are connected to.
pub(super) struct Filter {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) policy: AddressPolicy,
}

impl Resolve for Filter {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolver, policy) = (self.resolver.clone(), self.policy);
        Box::pin(async move {
            let absolute = policy.name_to_resolve(name.as_str()).parse()?;
            let resolved = resolver.resolve(absolute).await?;
            let allowed = policy.allowed(name.as_str(), resolved)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
