//! Logins by device code (RFC 8628), for devices without a browser.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use tokenkeeper_protocol::{Provider as _, Url};
use tokenkeeper_refresh::Polling;

use crate::{
    account::Account,
    clock::{system_time, to_millis},
    engine::device,
    error::Error,
    exchange::{Exchange, LoginCode},
    flow::{ConnectOptions, DeviceContents, DeviceFlow, seal_device},
    login::Login,
};

/// A login that waits for a person's decision on another device (RFC 8628).
///
/// Show the person [`verification_uri`](Self::verification_uri) and
/// [`user_code`](Self::user_code), and call [`finish`](Self::finish). Both are safe to print: they
/// hold no control characters. Say who asks and that the code is for this device alone: a code that
/// another person sends is how an attacker gets a login (RFC 8628 §5.4). Do not open
/// [`verification_uri_complete`](Self::verification_uri_complete) without showing the code, which
/// the person compares (RFC 8628 §3.3.1).
///
/// `Debug` shows neither code.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use tokenkeeper_test_support::World;
/// # let world = World::plain();
/// # let accounts = world.accounts.clone();
/// let account = accounts.account("plain", "user-42")?;
/// let device = account.connect_device().await?;
/// println!("Open {} and type {}", device.verification_uri, device.user_code);
/// # world.emulator.approve_device(&device.user_code, "bob@example.com")?;
/// let login = device.finish().await?;
/// assert_eq!(login.account, account);
///
/// // A command that works in two calls prints the flow, and takes it in the next call. Its
/// // processes share a `FlowKey`.
/// let flow = serde_json::to_string(&device.flow)?;
/// let login = accounts.finish_device(serde_json::from_str(&flow)?).await?;
/// assert_eq!(login.account, account);
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct DeviceLogin {
    /// The account that is being connected.
    pub account: Account,
    /// The code that the person types.
    pub user_code: String,
    /// Where the person types it: an https URL (http on loopback).
    pub verification_uri: Url,
    /// The same with the code in it, for a link or a QR code, if the provider has one.
    pub verification_uri_complete: Option<Url>,
    /// The time until which the person can decide.
    pub expires_at: SystemTime,
    /// The flow, for another call or process that finishes the login.
    pub flow: DeviceFlow,
    contents: DeviceContents,
}

impl DeviceLogin {
    /// Asks the provider for the codes.
    pub(crate) async fn start(account: &Account, options: &ConnectOptions) -> Result<Self, Error> {
        let (core, entry) = account.parts();
        let authorization = device::authorize(core, entry, options).await?;
        let (key, now) = (entry.key(), core.time.wall());
        let client = entry.site.provider.client();
        let scope = options.scope.as_deref().or_else(|| client.scope());
        let after = |time: Duration| now.saturating_add(to_millis(time));
        let contents = DeviceContents {
            id: core.random.id(),
            expires: after(authorization.expires_in),
            brand: key.brand().to_owned(),
            site: key.base().to_owned(),
            client_id: key.client_id().to_owned(),
            subject: key.subject().to_owned(),
            device_code: authorization.device_code,
            scope: scope.map(str::to_owned),
            interval: authorization.interval,
            polled_from: after(authorization.interval),
        };
        Ok(Self {
            account: account.clone(),
            user_code: authorization.user_code,
            verification_uri: authorization.verification_uri,
            verification_uri_complete: authorization.verification_uri_complete,
            expires_at: system_time(contents.expires),
            flow: seal_device(&core.flow_key, &contents),
            contents,
        })
    }

    /// Waits until the person has decided: polls at the provider's interval, writes the tokens, and
    /// returns the login.
    ///
    /// The interval grows by 5 seconds with each `slow_down`, and doubles, up to a minute, while
    /// polls get no answer. A poll is sent only while a claim is in the store, so that its tokens
    /// can be written and no other process presents the same device code. An existing connection of
    /// the account stays as it is until the new tokens are written.
    ///
    /// # Errors
    /// - [`Error::Exchange`] if the provider refused: [`Error::error_code`] is `access_denied` if
    ///   the person denied.
    /// - [`Error::Flow`] if the codes expired, or the login was finished without tokens before.
    /// - [`Error::Superseded`] if a newer login or a disconnect came first.
    /// - [`Error::Store`], [`Error::Record`] and [`Error::RevocationPending`] if the store fails or
    ///   an earlier disconnect is unfinished. The same call may succeed later, until the codes
    ///   expire.
    /// - [`Error::ShutDown`] after a shutdown.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future ends the polls. A poll in flight is awaited on the engine's
    /// runtime, and its tokens are written. The same call, also in another process, goes on where
    /// this one ended.
    pub async fn finish(&self) -> Result<Login, Error> {
        finish(&self.account, &self.contents).await?;
        Ok(Login::of(self.account.clone()))
    }
}

impl fmt::Debug for DeviceLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceLogin")
            .field("account", &self.account)
            .field("verification_uri", &self.verification_uri.as_str())
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The public part of a flow by device code: its account, and for how long it can be finished.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceFlowInfo {
    /// The account that is being connected.
    pub account: Account,
    /// The time until which the person can decide.
    pub expires_at: SystemTime,
}

impl DeviceFlowInfo {
    pub(crate) fn of(account: Account, contents: &DeviceContents) -> Self {
        Self {
            account,
            expires_at: system_time(contents.expires),
        }
    }
}

/// Polls until the person has decided. If another call does so, in this process or another one,
/// returns its result.
pub(crate) async fn finish(account: &Account, contents: &DeviceContents) -> Result<(), Error> {
    let (core, entry) = account.parts();
    let registration = entry.site.provider.client().registration();
    let exchange = Exchange {
        code: LoginCode::Device(contents.device_code.clone()),
        redirect: Vec::new(),
        redirect_uri: registration.redirect_uri().to_owned(),
        scope: contents.scope.clone(),
    };
    let first = contents.polled_from.saturating_sub(core.time.wall());
    let polling = Polling {
        first: Duration::from_millis(first).min(contents.interval),
        interval: contents.interval,
    };
    device::login(core, entry, exchange, contents.identity(), polling).await
}
