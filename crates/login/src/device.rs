//! A login by device code, for a command without a browser.

use std::{fmt, time::SystemTime};

use tokenkeeper_engine::{
    self as engine, Account, ConnectOptions, DeviceFlow, Login, protocol::Url,
};

use crate::Error;

/// A login that waits for a person's decision on another device (RFC 8628).
///
/// Show the person [`verification_uri`](Self::verification_uri) and [`user_code`](Self::user_code),
/// and call [`finish`](Self::finish). Say who asks, and that the code is for this command alone: a
/// code that another person sends is how an attacker gets a login (RFC 8628 §5.4).
///
/// `Debug` shows no code.
///
/// ```
/// use tokenkeeper_login::DeviceLogin;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use tokenkeeper_test_support::World;
/// # let world = World::plain();
/// # let account = world.accounts.account("plain", "user-42")?;
/// let device = DeviceLogin::start(&account).await?;
/// eprintln!("Open {} and type {}", device.verification_uri(), device.user_code());
/// # #[cfg(feature = "qr")]
/// if let Some(code) = device.qr_code() {
///     eprintln!("or scan this, and compare the code:\n{code}");
/// }
/// # world.emulator.approve_device(device.user_code(), "bob@example.com")?;
/// let login = device.finish().await?;
/// assert_eq!(login.account, account);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct DeviceLogin {
    login: engine::DeviceLogin,
}

impl DeviceLogin {
    /// Asks the provider for the codes.
    ///
    /// # Errors
    /// What [`Account::connect_device`] returns: the provider has no login by device code, refuses
    /// this client, or does not answer.
    ///
    /// # Cancel safety
    /// Cancel safe: dropping the future stops the waiting. Codes that still arrive expire unused.
    pub async fn start(account: &Account) -> Result<Self, Error> {
        Self::start_with(account, &ConnectOptions::new()).await
    }

    /// Asks the provider for the codes, with a scope or further parameters.
    ///
    /// # Errors
    /// As [`start`](Self::start), also for a scope or a parameter that the provider does not take.
    ///
    /// # Cancel safety
    /// As [`start`](Self::start).
    pub async fn start_with(account: &Account, options: &ConnectOptions) -> Result<Self, Error> {
        let login = account.connect_device_with(options).await?;
        Ok(Self { login })
    }

    /// Returns the code that the person types. It holds no control characters.
    #[must_use]
    pub fn user_code(&self) -> &str {
        &self.login.user_code
    }

    /// Returns where the person types it.
    #[must_use]
    pub fn verification_uri(&self) -> &Url {
        &self.login.verification_uri
    }

    /// Returns the same with the code in it, for a link or a QR code, if the provider has one.
    ///
    /// Show the code next to it, which the person compares (RFC 8628 §3.3.1).
    #[must_use]
    pub fn verification_uri_complete(&self) -> Option<&Url> {
        self.login.verification_uri_complete.as_ref()
    }

    /// Returns a QR code of [`verification_uri_complete`](Self::verification_uri_complete), as
    /// [`qr_code`](crate::qr_code) draws it.
    #[cfg(feature = "qr")]
    #[must_use]
    pub fn qr_code(&self) -> Option<String> {
        crate::qr_code(self.verification_uri_complete()?)
    }

    /// Returns the time until which the person can decide.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.login.expires_at
    }

    /// Returns the flow, for another process that finishes the login by
    /// [`Accounts::finish_device`](engine::Accounts::finish_device).
    #[must_use]
    pub fn flow(&self) -> &DeviceFlow {
        &self.login.flow
    }

    /// Waits until the person has decided, and writes the tokens.
    ///
    /// # Errors
    /// What [`engine::DeviceLogin::finish`] returns: the person denied, the codes expired, the
    /// provider or the store does not answer.
    ///
    /// # Cancel safety
    /// Cancel safe: dropping the future ends the polls. A poll in flight is answered, and its
    /// tokens are written. The same call, also in another process, goes on where this one ended.
    pub async fn finish(&self) -> Result<Login, Error> {
        Ok(self.login.finish().await?)
    }
}

impl fmt::Debug for DeviceLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.login.fmt(f)
    }
}
