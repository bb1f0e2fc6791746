//! The clients of a transport: a client has one resolver and one set of proxies for all requests.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use http::Request;
use reqwest::{Client, ClientBuilder, dns::Resolve, redirect, retry};
use tokenkeeper_engine::{
    TransportError,
    protocol::{AddressPolicy, Origin},
};

use super::{
    MAX_SILENCE,
    resolve::{Filter, SystemResolver},
};
use crate::{Error, client::build};

type Make = Box<dyn Fn() -> ClientBuilder + Send + Sync>;

pub(super) struct Clients {
    make: Make,
    resolver: Option<Arc<dyn Resolve>>,
    /// For requests that may go anywhere.
    anywhere: Client,
    /// Those without a proxy, made when they are needed: for requests to loopback without a policy,
    /// and for each policy.
    direct: Mutex<Vec<(Option<AddressPolicy>, Client)>>,
}

impl Clients {
    pub(super) fn new(make: Make, resolver: Option<Arc<dyn Resolve>>) -> Result<Self, Error> {
        let mut builder = configure(make());
        if let Some(resolver) = &resolver {
            builder = builder.dns_resolver(resolver.clone());
        }
        Ok(Self {
            anywhere: build(builder)?,
            make,
            resolver,
            direct: Mutex::default(),
        })
    }

    /// Returns the client that may send this request.
    pub(super) fn client_for<B>(&self, request: &Request<B>) -> Result<Client, TransportError> {
        let policy = AddressPolicy::of(request.extensions());
        if let Some(policy) = policy {
            // An address as the host is not resolved.
            let host = request.uri().host().unwrap_or_default();
            let address = host.trim_start_matches('[').trim_end_matches(']').parse();
            if let Ok(address) = address {
                let address: IpAddr = address;
                let checked = policy.allowed(host, [SocketAddr::new(address, 0)]);
                checked.map_err(TransportError::AddressRefused)?;
            }
        } else if !Origin::of(request.uri()).is_some_and(|origin| origin.is_loopback()) {
            return Ok(self.anywhere.clone());
        }
        let mut direct = self.direct.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = direct.iter().find(|(of, _)| *of == policy) {
            return Ok(client.clone());
        }
        let client = self.make_direct(policy).map_err(TransportError::not_sent)?;
        direct.push((policy, client.clone()));
        Ok(client)
    }

    fn make_direct(&self, policy: Option<AddressPolicy>) -> Result<Client, Error> {
        let mut builder = configure((self.make)()).no_proxy();
        match (policy, &self.resolver) {
            (Some(policy), resolver) => {
                let resolver = resolver.clone();
                let resolver = resolver.unwrap_or_else(|| Arc::new(SystemResolver));
                builder = builder.dns_resolver(Arc::new(Filter { resolver, policy }));
            }
            (None, Some(resolver)) => builder = builder.dns_resolver(resolver.clone()),
            (None, None) => {}
        }
        build(builder)
    }
}

fn configure(builder: ClientBuilder) -> ClientBuilder {
    builder
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never())
        .pool_max_idle_per_host(usize::MAX)
        .pool_idle_timeout(MAX_SILENCE)
        .http2_keep_alive_interval(MAX_SILENCE)
        .http2_keep_alive_timeout(MAX_SILENCE)
        .http2_keep_alive_while_idle(false)
}
