//! A login by a browser on the same machine.

mod page;
mod port;
mod server;
mod unconfirmed;

use std::{fmt, io, sync::Arc, time::Duration};

use tokenkeeper_engine::{
    Account, Accounts, ConnectOptions, ErrorChain, Flow, Login, protocol::Url,
};
use tokio::time::{self, MissedTickBehavior};

pub use self::port::Port;
use self::{
    page::Pages,
    server::{Callback, Server},
};
use crate::Error;

/// How long the browser has to load the last page.
const LAST_PAGE: Duration = Duration::from_secs(3);

/// How often the login's end is looked for, which is up to the engine's clock.
const EXPIRY_CHECK: Duration = Duration::from_secs(1);

type Show = Box<dyn FnOnce(&Url) + Send>;
type Open = Box<dyn FnOnce(&Url) -> io::Result<()> + Send>;

/// Logs a person in by a browser on this machine, with the answer at a loopback address.
///
/// The registered redirect URI names that address, for example `http://127.0.0.1/callback`.
///
/// ```no_run
/// use tokenkeeper_login::{LoopbackLogin, Port};
///
/// # use tokenkeeper_engine::Account;
/// # async fn log_in(account: Account) -> Result<(), tokenkeeper_login::Error> {
/// let login = LoopbackLogin::new(&account)
///     .port(Port::Any)
///     .show(|url| eprintln!("Log in at {url}"))
///     .open_browser(true)
///     .run()
///     .await?;
/// let token = login.account.token().await?;
/// # Ok(()) }
/// ```
#[must_use = "a login starts with `run` or `start`"]
pub struct LoopbackLogin {
    account: Account,
    options: ConnectOptions,
    port: Port,
    pages: Pages,
    show: Option<Show>,
    open: Option<Open>,
}

impl LoopbackLogin {
    /// Prepares a login of this account. It listens at the registered port, and opens no browser.
    pub fn new(account: &Account) -> Self {
        Self {
            account: account.clone(),
            options: ConnectOptions::new(),
            port: Port::default(),
            pages: Pages::new(account.provider()),
            show: None,
            open: None,
        }
    }

    /// Sets the scope and further parameters. The port is up to [`port`](Self::port).
    pub fn options(mut self, options: ConnectOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the port to listen at. Default: [`Port::Registered`].
    pub fn port(mut self, port: Port) -> Self {
        self.port = port;
        self
    }

    /// Replaces the page that a person sees when the account is connected: HTML that loads nothing
    /// from elsewhere and runs no script.
    pub fn page(mut self, html: impl Into<String>) -> Self {
        self.pages.connected = Some(html.into());
        self
    }

    /// Calls a function with the authorization URL, to print it. Then it is no error if no browser
    /// opens.
    pub fn show(mut self, show: impl FnOnce(&Url) + Send + 'static) -> Self {
        self.show = Some(Box::new(show));
        self
    }

    /// Opens the person's browser, or not. Default: not.
    #[cfg(feature = "browser")]
    pub fn open_browser(mut self, open: bool) -> Self {
        self.open = open.then(|| -> Open { Box::new(|url| webbrowser::open(url.as_str())) });
        self
    }

    /// Opens the authorization URL with a function, which may block.
    pub fn open_with(mut self, open: impl FnOnce(&Url) -> io::Result<()> + Send + 'static) -> Self {
        self.open = Some(Box::new(open));
        self
    }

    /// Listens, opens the browser, and waits for the login's end.
    ///
    /// # Errors
    /// Those of [`start`](Self::start) and [`StartedLogin::finish`].
    ///
    /// # Cancel safety
    /// A dropped call stops listening. A code that has arrived is still exchanged.
    pub async fn run(self) -> Result<Login, Error> {
        self.start().await?.finish().await
    }

    /// Listens and opens the browser. What comes is answered even before
    /// [`finish`](StartedLogin::finish) is called.
    ///
    /// # Errors
    /// [`Error::NotLoopback`], [`Error::Listen`] and [`Error::Browser`]; what
    /// [`Account::connect_with`] refuses.
    pub async fn start(self) -> Result<StartedLogin, Error> {
        // The redirect URI is known from a flow alone. This one is not used.
        let accounts = Accounts::from(&self.account);
        let unused = self.account.connect_with(&self.options)?;
        let registered = accounts.flow(&unused.flow)?.redirect_uri;
        let (port, listeners) = port::listen(&registered, self.port).await?;

        let mut options = self.options;
        if registered.port_or_known_default() != Some(port) {
            options = options.redirect_port(port);
        }
        let redirect = self.account.connect_with(&options)?;
        let info = accounts.flow(&redirect.flow)?;
        let callback = Callback::new(&info);
        let server = Server::start(listeners, accounts, redirect.flow, callback, self.pages);

        let is_shown = self.show.is_some();
        if let Some(show) = self.show {
            show(&redirect.url);
        }
        if let Some(open) = self.open {
            open_url(open, &redirect.url, is_shown).await?;
        }
        Ok(StartedLogin {
            url: redirect.url,
            server,
        })
    }
}

/// Opens the URL off the runtime's threads: a browser of the terminal may run until it is closed.
async fn open_url(open: Open, url: &Url, is_shown: bool) -> Result<(), Error> {
    let url = url.clone();
    let opened = tokio::task::spawn_blocking(move || open(&url)).await;
    let opened = opened.unwrap_or_else(|_| Err(io::Error::other("opening the browser panicked")));
    match opened {
        Err(error) if is_shown => {
            let error = ErrorChain::of(&error);
            tracing::debug!(%error, "no browser opens, and the person has the URL");
            Ok(())
        }
        opened => opened.map_err(|source| Error::Browser { source }),
    }
}

impl fmt::Debug for LoopbackLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopbackLogin")
            .field("account", &self.account)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// A login whose answer is awaited at a loopback address.
///
/// Dropping it stops listening. `Debug` omits the URL's query, which holds the `state`.
///
/// ```no_run
/// # use tokenkeeper_login::{LoopbackLogin, Port};
/// # use tokenkeeper_engine::Account;
/// # async fn log_in(account: Account) -> Result<(), tokenkeeper_login::Error> {
/// let started = LoopbackLogin::new(&account).port(Port::Any).start().await?;
/// println!("Log in at {}", started.url());
/// let login = started.finish().await?;
/// # Ok(()) }
/// ```
pub struct StartedLogin {
    url: Url,
    server: Server,
}

impl StartedLogin {
    /// Returns the authorization URL to open.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the flow, for an answer that comes in another way: one that a person pastes, passed
    /// to [`Accounts::finish`].
    #[must_use]
    pub fn flow(&self) -> &Flow {
        self.server.flow()
    }

    /// Waits for the login's end, and shows it in the browser.
    ///
    /// # Errors
    /// What [`Accounts::finish`] returns: the person or the provider refuses, the login takes
    /// longer than [`Options::login_timeout`](tokenkeeper_engine::Options::login_timeout), the
    /// provider or the store does not answer. An answer of another login is refused in the browser,
    /// and this one goes on. At a provider that returns no state, the person confirms the answer in
    /// the browser; [`Error::NotConfirmed`] if they cancel.
    ///
    /// # Cancel safety
    /// A dropped call stops listening. A code that has arrived is still exchanged.
    pub async fn finish(mut self) -> Result<Login, Error> {
        let mut checks = time::interval(EXPIRY_CHECK);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let outcome = loop {
            tokio::select! {
                outcome = self.server.outcome() => break outcome?,
                _ = checks.tick() => self.server.check_expiry()?,
            }
        };
        let shared = Arc::clone(self.server.shared());
        // It follows the redirect to a page without the code. It may also be closed.
        let _ = time::timeout(LAST_PAGE, shared.last_page()).await;
        self.server.stop().await;
        outcome
    }
}

impl fmt::Debug for StartedLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartedLogin").finish_non_exhaustive()
    }
}
