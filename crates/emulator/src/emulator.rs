//! The handle of a running emulator.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use axum::body::to_bytes;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::task::AbortHandle;

use crate::counters::Counters;
use crate::error::Error;
use crate::faults::{Cut, Endpoint, Faults};
use crate::ledger::Grant;
use crate::server::Server;

/// A provider that runs in this process.
///
/// Clones share one emulator. Dropping the last one closes the socket and its connections.
///
/// ```
/// use bytes::Bytes;
/// use http::Request;
/// use tokenkeeper_emulator::{DEFAULT_USER, Emulator};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let emulator = Emulator::ioffice().in_process();
/// let tokens = emulator.issue_tokens(DEFAULT_USER)?;
/// let call = || {
///     Request::get("/external/api/rest/v2/users/me")
///         .header("x-access-token", &tokens.access_token)
///         .body(Bytes::new())
/// };
/// assert_eq!(emulator.call(call()?).await?.status(), 200);
/// emulator.expire_access_tokens();
/// assert_eq!(emulator.call(call()?).await?.status(), 403);
/// assert_eq!(emulator.counters().api_calls, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Emulator {
    inner: Arc<Inner>,
}

/// The parts that clones share.
struct Inner {
    server: Arc<Server>,
    address: Option<SocketAddr>,
    accepting: Vec<AbortHandle>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        for task in &self.accepting {
            task.abort();
        }
    }
}

impl Emulator {
    pub(crate) fn assemble(
        server: Arc<Server>,
        address: Option<SocketAddr>,
        accepting: Vec<AbortHandle>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                server,
                address,
                accepting,
            }),
        }
    }

    /// Returns the base URL, without a final slash: `http://127.0.0.1:49152`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.inner.server.world.base
    }

    /// Returns the URL of an endpoint, or `None` if the provider does not have it.
    ///
    /// For [`Endpoint::Api`] it is the URL of a resource that any valid token may read.
    #[must_use]
    pub fn url(&self, endpoint: Endpoint) -> Option<String> {
        let server = &self.inner.server;
        let base = match endpoint {
            Endpoint::Api => server.world.api_base.as_deref(),
            _ => None,
        };
        let path = server.provider.path(endpoint)?;
        Some(format!("{}{path}", base.unwrap_or(self.base())))
    }

    /// Returns the base URL of the API's own server, or `None` if the API has none.
    #[must_use]
    pub fn api_base(&self) -> Option<&str> {
        self.inner.server.world.api_base.as_deref()
    }

    /// Returns the bound address, or `None` in process.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.inner.address
    }

    /// Answers a request in process, with the same router, counters and faults as on the socket.
    ///
    /// Only the path and query of its URI count, and its host if the API has its own server. It
    /// must be called within a tokio runtime. Dropping the future counts as a client that goes
    /// away: the request is processed in its own task, which continues.
    ///
    /// # Errors
    /// [`Cut`] if a client on a socket would see the connection end.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Cut> {
        let server = Arc::clone(&self.inner.server);
        let host = server.host(&request);
        let response = server.handle(request.map(Full::new), host).await?;
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.map_err(|_| Cut)?;
        Ok(Response::from_parts(head, body))
    }

    /// Returns a snapshot of the counters.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.inner.server.log.snapshot()
    }

    /// Resets the counters to zero and forgets the presentations.
    pub fn reset_counters(&self) {
        self.inner.server.log.reset();
    }

    /// Returns the faults, to switch them on and off.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.inner.server.faults
    }

    /// Returns the requests so far if [`record_requests`](crate::Builder::record_requests) was set,
    /// otherwise none.
    #[must_use]
    pub fn recorded_requests(&self) -> Vec<Request<Bytes>> {
        let recording = self.inner.server.recording.as_ref();
        recording
            .map(|log| log.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .unwrap_or_default()
    }

    /// Returns the time by the provider's clock.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.inner.server.world.now()
    }

    /// Moves the provider's clock forwards.
    pub fn advance(&self, by: Duration) {
        self.inner.server.world.clock.advance(by);
    }

    /// Moves the provider's clock backwards.
    pub fn rewind(&self, by: Duration) {
        self.inner.server.world.clock.rewind(by);
    }

    /// Expires all access tokens.
    pub fn expire_access_tokens(&self) {
        let now = self.now();
        self.inner.server.world.ledger().expire_access(now);
    }

    /// Revokes all grants of a user, as people do at Amiqus in "Team apps".
    ///
    /// Returns how many grants it revoked.
    pub fn revoke_user(&self, login: &str) -> usize {
        self.inner.server.world.ledger().revoke_user(login)
    }

    /// Approves the device that shows this user code, as the user with this login.
    ///
    /// # Errors
    /// [`Error::UnknownUser`] if no user has this login, [`Error::UnknownUserCode`] if no device
    /// waits with this code.
    pub fn approve_device(&self, user_code: &str, login: &str) -> Result<(), Error> {
        let world = &self.inner.server.world;
        let user = world.user(login).ok_or_else(|| Error::UnknownUser {
            login: login.to_owned(),
        })?;
        self.decide_device(user_code, Some(&user.login))
    }

    /// Denies the device that shows this user code.
    ///
    /// # Errors
    /// [`Error::UnknownUserCode`] if no device waits with this code.
    pub fn deny_device(&self, user_code: &str) -> Result<(), Error> {
        self.decide_device(user_code, None)
    }

    fn decide_device(&self, user_code: &str, login: Option<&str>) -> Result<(), Error> {
        let world = &self.inner.server.world;
        if world.devices().decide(user_code, login, world.now()) {
            return Ok(());
        }
        Err(Error::UnknownUserCode {
            user_code: user_code.to_owned(),
        })
    }

    /// Changes the secret of a client; returns `false` if no such client is registered.
    pub fn change_secret(&self, client_id: &str, secret: impl Into<String>) -> bool {
        let mut clients = self.inner.server.world.clients();
        let client = clients.iter_mut().find(|client| client.id == client_id);
        client
            .map(|client| client.secret = Some(secret.into()))
            .is_some()
    }

    /// Issues tokens of a user to the first registered client without an authorization.
    ///
    /// They are for tests of applications that adopt existing tokens.
    ///
    /// # Errors
    /// [`Error::UnknownUser`] if no user has this login.
    pub fn issue_tokens(&self, login: &str) -> Result<IssuedTokens, Error> {
        let server = &self.inner.server;
        let world = &server.world;
        let user = world.user(login).ok_or_else(|| Error::UnknownUser {
            login: login.to_owned(),
        })?;
        let (client, redirect_uri) = {
            let clients = world.clients();
            let client = clients.first().ok_or(Error::NoClient)?;
            (client.id.clone(), client.redirect_uris.first().cloned())
        };
        let scope = server.provider.default_scope();
        let pair = server.provider.mint();
        let mut ledger = world.ledger();
        let grant = ledger.open(Grant {
            client,
            user: user.login.clone(),
            redirect_uri,
            scope: scope.clone(),
            ..Grant::default()
        });
        world.add_pair(&mut ledger, grant, &pair);
        let expires_at = world.lifetimes.access.map(|life| world.now() + life);
        Ok(IssuedTokens {
            access_token: pair.access,
            refresh_token: pair.refresh,
            expires_at,
            scope,
        })
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("brand", &self.inner.server.provider.brand())
            .field("base", &self.base())
            .finish_non_exhaustive()
    }
}

/// The result of [`Emulator::issue_tokens`].
#[derive(Clone)]
#[non_exhaustive]
pub struct IssuedTokens {
    /// The access token.
    pub access_token: String,
    /// The refresh token.
    pub refresh_token: String,
    /// The time at which the access token expires, by the emulator's clock; `None` if it does not.
    pub expires_at: Option<SystemTime>,
    /// The scope, if the provider has scopes.
    pub scope: Option<String>,
}

impl fmt::Debug for IssuedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedTokens")
            .field("expires_at", &self.expires_at)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
