//! The routes.

mod callbacks;
mod options;

use std::{
    collections::HashMap,
    fmt,
    future::{Future, ready},
    sync::Arc,
};

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    response::Response,
    routing::{get, post},
};
use http::request::Parts;
use tokenkeeper_engine::{Account, Accounts, ConnectOptions, Login};

use crate::{
    actor::run_as_actor,
    connect,
    context::RouteContext,
    disconnect,
    error::Error,
    failure::FailurePage,
    fields, local_path, page,
    person::{self, AccountNames, BoxFuture, Subject},
    relay::UsedPages,
};

/// Connect, callback and disconnect routes for all providers of an [`Accounts`].
///
/// | route | what it does |
/// |---|---|
/// | `GET /connect/{provider}` | shows a page with a button that connects |
/// | `POST /connect/{provider}` | redirects to the authorization page, with the flow in a cookie |
/// | `GET` at each redirect URI's path | finishes the login, or serves the relay page |
/// | `POST` at the same path | finishes the login, for a page of these routes or a provider's form |
/// | `POST /disconnect/{provider}` | disconnects the account |
///
/// The relay page is for providers that answer in the fragment, the form for those with the
/// response mode `form_post`. The query or the form of the first two routes and of a disconnect
/// may have these fields; a login keeps them sealed until its callback:
///
/// | field | meaning |
/// |---|---|
/// | `site` | the site of a provider with one per tenant |
/// | `next` | the path of this site to go to afterwards; others are refused |
/// | `account` | one of the person's accounts: see [`account_names`](Self::account_names) |
/// | `scope` | a scope of those [allowed](Self::allow_scopes) |
/// | others | those [allowed](Self::allow_parameters) go to the authorization page |
///
/// If a handler is dropped because the browser
/// went away, nothing is lost: the code exchange continues and its tokens are written.
///
/// ```
/// # fn f(accounts: &tokenkeeper_engine::Accounts) -> Result<(), tokenkeeper_axum::Error> {
/// use axum::Router;
/// use tokenkeeper_axum::Routes;
///
/// /// What the application's session middleware puts into a request.
/// #[derive(Clone)]
/// struct SignedIn {
///     user_id: String,
/// }
///
/// let signed_in = |parts: &http::request::Parts| {
///     Some(parts.extensions.get::<SignedIn>()?.user_id.clone())
/// };
/// let routes = Routes::new(accounts, signed_in).on_connected("/settings").on_failed("/settings");
/// // The session middleware is a layer around this router.
/// let app: Router = Router::new().merge(routes.router()?);
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "nothing is served before `router`"]
pub struct Routes {
    pub(crate) accounts: Accounts,
    pub(crate) subject: Subject,
    at: String,
    prefix: String,
    redirect_port: Option<u16>,
    pub(crate) connected: String,
    pub(crate) disconnected: String,
    pub(crate) failed: Option<String>,
    pub(crate) back: String,
    names: HashMap<String, String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) parameters: Vec<String>,
    account_names: Option<AccountNames>,
    pub(crate) after_connect: Option<Hook<Login>>,
    pub(crate) after_disconnect: Option<Hook<Account>>,
    pub(crate) failure_page: Option<RenderFailure>,
}

/// What the application runs after something happened.
type Hook<T> = Arc<dyn Fn(T) -> BoxFuture<()> + Send + Sync>;

/// The application's page about a failure.
type RenderFailure = Arc<dyn Fn(&Parts, FailurePage) -> Response + Send + Sync>;

impl Routes {
    /// Creates routes for these accounts.
    ///
    /// `subject` returns the name of the signed-in person's account, for example from an extension
    /// that the application's session middleware sets, or `None` if no one is signed in. It is
    /// called when a login starts and again at the callback, and must return the same name. If it
    /// must ask a session store, use [`with_subject`](Self::with_subject).
    pub fn new(
        accounts: &Accounts,
        subject: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self::with_subject(accounts, move |parts| ready(Ok(subject(&parts))))
    }

    /// Creates routes for these accounts, with an async function that names the person, or fails
    /// with a response.
    ///
    /// It is called once for each request of these routes, with the request's head, which axum's
    /// extractors can read. `Ok(None)` means that no one is signed in: don't answer with a page to
    /// sign in, because a provider's form comes without the session's cookie. An error is for a
    /// session store that cannot be reached, and becomes the response.
    ///
    /// ```
    /// use axum::{extract::FromRequestParts as _, response::IntoResponse as _};
    /// use http::StatusCode;
    /// use tokenkeeper_axum::Routes;
    ///
    /// # use axum::Extension;
    /// # #[derive(Clone)]
    /// # struct Sessions;
    /// # impl Sessions {
    /// #     async fn person(&self) -> Result<Option<String>, std::io::Error> { Ok(None) }
    /// # }
    /// # fn f(accounts: &tokenkeeper_engine::Accounts) -> Routes {
    /// Routes::with_subject(accounts, |mut parts| async move {
    ///     let sessions = Extension::<Sessions>::from_request_parts(&mut parts, &()).await;
    ///     let Extension(sessions) = sessions.map_err(|error| error.into_response())?;
    ///     let person = sessions.person().await;
    ///     person.map_err(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())
    /// })
    /// # }
    /// ```
    pub fn with_subject<F>(
        accounts: &Accounts,
        subject: impl Fn(Parts) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Option<String>, Response>> + Send + 'static,
    {
        Self {
            accounts: accounts.clone(),
            subject: Arc::new(move |parts| Box::pin(subject(parts))),
            at: String::new(),
            prefix: String::new(),
            redirect_port: None,
            connected: "/".to_owned(),
            disconnected: "/".to_owned(),
            failed: None,
            back: "/".to_owned(),
            names: HashMap::new(),
            scopes: Vec::new(),
            parameters: Vec::new(),
            account_names: None,
            after_connect: None,
            after_disconnect: None,
            failure_page: None,
        }
    }

    /// Builds the router, to merge into the application's own.
    ///
    /// Callbacks must be served at their registered paths: tell
    /// [`behind_prefix`](Self::behind_prefix) if it is nested.
    ///
    /// # Errors
    /// [`Error`] if paths collide or lead away from this site, or if a redirect URI cannot be
    /// served here.
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Result<Router<S>, Error> {
        for path in [&self.connected, &self.disconnected, &self.back]
            .into_iter()
            .chain(&self.failed)
        {
            local_path::check(path)?;
        }
        for path in [&self.at, &self.prefix]
            .into_iter()
            .filter(|path| !path.is_empty())
        {
            local_path::check(path)?;
        }
        if let Some(name) = self
            .parameters
            .iter()
            .find(|name| fields::is_reserved(name))
        {
            return Err(Error::ReservedParameter { name: name.clone() });
        }
        let callback_paths = self.callback_paths()?;
        let mut router = Router::new()
            .without_v07_checks()
            .route(
                &format!("{}/connect/{{provider}}", self.at),
                get(connect::ask).post(connect::connect),
            )
            .route(
                &format!("{}/disconnect/{{provider}}", self.at),
                post(disconnect::disconnect),
            );
        for callback_path in &callback_paths {
            router = router.route(
                &callback_path.route,
                callbacks::callback_route(callback_path),
            );
        }
        let mut options = ConnectOptions::new();
        if let Some(port) = self.redirect_port {
            options = options.redirect_port(port);
        }
        let context = Arc::new(RouteContext {
            accounts: self.accounts.clone(),
            routes: self,
            options,
            callback_paths,
            used_pages: UsedPages::new(),
        });
        let router = page::harden(router)
            .route_layer(from_fn_with_state(context.clone(), person::resolve))
            .layer(from_fn(run_as_actor));
        Ok(router.with_state(context))
    }

    /// Returns the subject of a person's account with this name, or without one.
    pub(crate) fn account_subject(&self, person: &str, name: Option<&str>) -> Option<String> {
        match (name, &self.account_names) {
            (None, _) => Some(person.to_owned()),
            (Some(name), Some(subject)) => subject(person, name),
            (Some(_), None) => None,
        }
    }

    /// Returns a provider's name for people.
    pub(crate) fn name_of<'a>(&'a self, brand: &'a str) -> &'a str {
        self.names.get(brand).map_or(brand, String::as_str)
    }

    /// Returns the path of a form, as browsers see it.
    pub(crate) fn form_path(&self, form: &str, brand: &str) -> String {
        format!("{}{}/{form}/{brand}", self.prefix, self.at)
    }

    /// Returns the path that a browser sees where the application sees this one.
    pub(crate) fn browser_path(&self, path: &str) -> String {
        let below = path.strip_prefix(self.prefix.as_str());
        if below.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?'])) {
            return path.to_owned();
        }
        format!("{}{path}", self.prefix)
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("at", &self.at)
            .field("prefix", &self.prefix)
            .field("redirect_port", &self.redirect_port)
            .field("connected", &self.connected)
            .field("disconnected", &self.disconnected)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
