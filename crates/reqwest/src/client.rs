use std::panic::{AssertUnwindSafe, catch_unwind};

use reqwest::{ClientBuilder, redirect};
use reqwest_middleware::ClientWithMiddleware;
use rustls::crypto::CryptoProvider;
use tokenkeeper_tower::TokenPolicy;

use crate::{Error, TokenMiddleware};

/// As in reqwest's default policy.
const MAX_REDIRECTS: usize = 10;

/// Makes a client for any provider, even one that takes its token elsewhere than in
/// `Authorization`.
///
/// reqwest strips only the standard credential headers when a redirect leaves the origin, and no
/// middleware sees the hops. So this replaces the builder's redirect policy: it follows up to 10
/// redirects, and returns a redirect to another origin as the response. It sends no `Referer`.
///
/// `policy` is an [`Account`](tokenkeeper_engine::Account), a reference to
/// [`Accounts`](tokenkeeper_engine::Accounts) for an account per request, or a [`TokenPolicy`] with
/// other options.
///
/// The middleware is the client's first. Middlewares that you add later run once per attempt, with
/// the token on the request.
///
/// # Errors
///
/// [`Error::NoCryptoProvider`] or [`Error::Client`].
pub fn client(
    builder: ClientBuilder,
    policy: impl Into<TokenPolicy>,
) -> Result<ClientWithMiddleware, Error> {
    let client = build(builder.referer(false).redirect(same_origin()))?;
    let middleware = TokenMiddleware::over_safe_client(policy.into());
    Ok(reqwest_middleware::ClientBuilder::new(client)
        .with(middleware)
        .build())
}

/// Builds a client. A missing crypto provider is an error, not a panic.
pub(crate) fn build(builder: ClientBuilder) -> Result<reqwest::Client, Error> {
    if CryptoProvider::get_default().is_some() {
        return builder.build().map_err(Error::Client);
    }
    // Without an installed provider, reqwest takes the one that it was built with, or panics. Which
    // of the two depends on features that another crate may have enabled.
    catch_unwind(AssertUnwindSafe(|| builder.build()))
        .map_err(|_| Error::NoCryptoProvider)?
        .map_err(Error::Client)
}

fn same_origin() -> redirect::Policy {
    redirect::Policy::custom(|attempt| {
        let same = attempt
            .previous()
            .last()
            .is_some_and(|last| last.origin() == attempt.url().origin());
        if !same {
            attempt.stop()
        } else if attempt.previous().len() > MAX_REDIRECTS {
            attempt.error("too many redirects")
        } else {
            attempt.follow()
        }
    })
}
