//! The identity cache of aws-smithy, which the AWS SDK uses.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use aws_smithy_async::{rt::sleep::TokioSleep, time::SystemTimeSource};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime_api::client::{
    identity::{
        Identity, IdentityFuture, ResolveCachedIdentity as _, ResolveIdentity, SharedIdentityCache,
        SharedIdentityResolver, http::Token,
    },
    runtime_components::{RuntimeComponents, RuntimeComponentsBuilder},
};
use aws_smithy_types::config_bag::ConfigBag;
use http::{HeaderValue, Request, header::AUTHORIZATION};
use tokenkeeper_benches::{Endpoint, send_with, token};

use crate::Peer;

/// The lazy identity cache with its defaults.
#[derive(Clone, Debug)]
pub struct Aws(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cache: SharedIdentityCache,
    resolver: SharedIdentityResolver,
    components: RuntimeComponents,
    config: ConfigBag,
}

impl Aws {
    /// Creates a cache without a token.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self::with(Source {
            endpoint,
            expired: false.into(),
        })
    }

    fn with(source: Source) -> Self {
        let components = RuntimeComponentsBuilder::for_tests()
            .with_sleep_impl(Some(TokioSleep::new()))
            .with_time_source(Some(SystemTimeSource::new()));
        Self(Arc::new(Inner {
            cache: IdentityCache::lazy().build(),
            resolver: SharedIdentityResolver::new(source),
            components: components.build().expect("all components are set"),
            config: ConfigBag::base(),
        }))
    }

    /// Attaches a token; returns whether there was one.
    pub async fn attach<B>(&self, request: &mut Request<B>) -> bool {
        let Some(identity) = self.identity().await else {
            return false;
        };
        let token = identity.data::<Token>().expect("the source gives tokens");
        let header = HeaderValue::from_str(&format!("Bearer {}", token.token()));
        let header = header.expect("the token is ASCII");
        request.headers_mut().insert(AUTHORIZATION, header);
        true
    }

    async fn identity(&self) -> Option<Identity> {
        let Inner {
            cache,
            resolver,
            components,
            config,
        } = &*self.0;
        let identity = cache.resolve_cached_identity(resolver.clone(), components, config);
        identity.await.ok()
    }
}

impl Peer for Aws {
    async fn expired(endpoint: Endpoint) -> Self {
        let aws = Self::with(Source {
            endpoint,
            expired: true.into(),
        });
        aws.identity().await;
        aws
    }

    async fn send(&self) -> bool {
        send_with(async |request| self.attach(request).await).await
    }
}

/// A source of tokens from an [`Endpoint`].
#[derive(Debug)]
struct Source {
    endpoint: Endpoint,
    /// Whether the next token is an expired one, which needs no request.
    expired: AtomicBool,
}

impl ResolveIdentity for Source {
    fn resolve_identity<'a>(
        &'a self,
        _: &'a RuntimeComponents,
        _: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        IdentityFuture::new(async {
            let (mut token, mut lifetime) = (token(), Duration::ZERO);
            if !self.expired.swap(false, Ordering::Relaxed) {
                let number = self.endpoint.exchange().await.ok_or("503")?;
                token = self.endpoint.access_token(number);
                lifetime = Duration::from_secs(3600);
            }
            let expires_at = Some(SystemTime::now() + lifetime);
            Ok(Identity::new(Token::new(token, expires_at), expires_at))
        })
    }
}
