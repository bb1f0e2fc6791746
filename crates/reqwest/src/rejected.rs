use std::{error::Error as StdError, fmt};

use http::StatusCode;
use reqwest::Response;
use tokenkeeper_engine::Error as SourceError;

/// The API rejected a request's token, and no replacement is available.
///
/// A request fails with [`Error::Rejected`](crate::Error::Rejected) if it was sent and the refresh
/// after the rejection failed. [`error`](Self::error) returns the reason, which
/// [`tokenkeeper_engine::Error::find`] also reaches through any wrapper.
/// [`into_response`](Self::into_response) returns the API's response with its unread body. The body
/// may hold a connection until the error is dropped.
///
/// ```
/// # use tokenkeeper_emulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI};
/// # use tokenkeeper_emulator::{DEFAULT_USER, Emulator, Endpoint};
/// # use tokenkeeper_provider_amiqus::Amiqus;
/// # use tokenkeeper_reqwest::{ReqwestTransport, TokenMiddleware};
/// # use tokenkeeper_engine::{Accounts, protocol::{Registration, TokenSet}};
/// # use tokenkeeper_store_memory::MemoryStore;
/// use tokenkeeper_reqwest::Rejected;
/// use tokenkeeper_engine::Advice;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let crypto = rustls::crypto::ring::default_provider();
/// # crypto.install_default().expect("none was installed before");
/// # let emulator = Emulator::amiqus().start().await?;
/// # let registration = Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI)
/// #     .secret(DEFAULT_CLIENT_SECRET);
/// # let accounts = Accounts::builder(MemoryStore::new())
/// #     .provider(Amiqus::new(registration)?.base(emulator.base())?)
/// #     .transport(ReqwestTransport::new()?)
/// #     .build()?;
/// # let alice = accounts.account("amiqus", "alice")?;
/// # let tokens = emulator.issue_tokens(DEFAULT_USER)?;
/// # let tokens = TokenSet::new(tokens.access_token).with_refresh_token(tokens.refresh_token);
/// # alice.adopt(tokens).await?;
/// # let me = emulator.url(Endpoint::Api).expect("Amiqus has an API");
/// # let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
/// #     .with(TokenMiddleware::new(alice)?)
/// #     .build();
/// // The user ended the connection at the provider.
/// # emulator.revoke_user(DEFAULT_USER);
/// let error = client.get(me).send().await.expect_err("no token is left");
///
/// // Any other error goes to the caller unchanged.
/// let rejected = Rejected::try_from(error)?;
/// assert!(matches!(rejected.error().advice(), Advice::Reauthorize { .. }));
///
/// // The API's response.
/// let response = rejected.into_response();
/// assert_eq!(response.status(), 401);
/// # Ok(())
/// # }
/// ```
pub struct Rejected {
    source: SourceError,
    /// Boxed, so that the error stays small.
    response: Box<Response>,
}

impl Rejected {
    pub(crate) fn new(source: SourceError, response: Response) -> Self {
        Self {
            source,
            response: Box::new(response),
        }
    }

    /// Returns the reason why there is no replacement.
    #[must_use]
    pub fn error(&self) -> &SourceError {
        &self.source
    }

    /// Returns the API's response, for its status and headers.
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// Returns the API's response with its unread body.
    #[must_use]
    pub fn into_response(self) -> Response {
        *self.response
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.response.status().as_u16();
        write!(
            f,
            "the API rejected the token ({status}), and no replacement is available"
        )
    }
}

/// Shows no headers and no URL: either may hold a secret.
impl fmt::Debug for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status: StatusCode = self.response.status();
        f.debug_struct("Rejected")
            .field("source", &self.source)
            .field("status", &status)
            .finish_non_exhaustive()
    }
}

impl StdError for Rejected {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}
