//! The routes and their options.

use std::{collections::HashMap, fmt, sync::Arc};

use axum::{
    Router,
    extract::Request,
    middleware::from_fn,
    routing::{MethodRouter, get, post},
};
use http::{StatusCode, request::Parts};
use tokenkeeper_engine::{Accounts, ConnectOptions, protocol::ResponseMode};

use crate::{
    actor::run_as_actor,
    callback,
    callback_path::CallbackPath,
    confirm, connect,
    context::{RouteContext, Subject},
    disconnect,
    error::Error,
    form, form_post, local_path, page,
    relay::{self, UsedPages},
};

/// Connect, callback and disconnect routes for all providers of an [`Accounts`].
///
/// | route | what it does |
/// |---|---|
/// | `POST /connect/{provider}` | redirects to the authorization page, with the flow in a cookie |
/// | `GET` at each redirect URI's path | finishes the login, or serves the relay page |
/// | `POST` at the same path | finishes the login, for a page of these routes or a provider's form |
/// | `POST /disconnect/{provider}` | disconnects the account |
///
/// The relay page is for providers that answer in the fragment, the form for those with the
/// response mode `form_post`. `site`, in the query or the form,
/// names the site of a provider with one per tenant. If a handler is dropped because the browser
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
    accounts: Accounts,
    subject: Subject,
    at: String,
    prefix: String,
    redirect_port: Option<u16>,
    connected: String,
    disconnected: String,
    failed: Option<String>,
}

impl Routes {
    /// Creates routes for these accounts.
    ///
    /// `subject` returns the name of the signed-in person's account, for example from an extension
    /// that the application's session middleware sets, or `None` if no one is signed in. It is
    /// called when a login starts and again at the callback, and must return the same name.
    pub fn new(
        accounts: &Accounts,
        subject: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            accounts: accounts.clone(),
            subject: Arc::new(subject),
            at: String::new(),
            prefix: String::new(),
            redirect_port: None,
            connected: "/".to_owned(),
            disconnected: "/".to_owned(),
            failed: None,
        }
    }

    /// Puts `connect` and `disconnect` below this path: `/oauth` gives `/oauth/connect/{provider}`.
    ///
    /// Callbacks stay at their registered paths.
    pub fn at(mut self, path: &str) -> Self {
        path.trim_end_matches('/').clone_into(&mut self.at);
        self
    }

    /// Sets the path that a proxy in front of the application removes from requests.
    ///
    /// With `/api`, the callback of the redirect URI `https://app.example/api/oauth/acme` is served
    /// at `/oauth/acme`. The same is needed for `Router::nest("/api", …)`. The paths of
    /// [`on_connected`](Self::on_connected) and its siblings are for browsers, so they have the
    /// prefix. Default: none, and callbacks are served at their registered paths.
    pub fn behind_prefix(mut self, prefix: &str) -> Self {
        prefix.trim_end_matches('/').clone_into(&mut self.prefix);
        self
    }

    /// Sets the port of all redirect URIs, for an application that listens on a port of loopback
    /// that the system has chosen: see
    /// [`ConnectOptions::redirect_port`](tokenkeeper_engine::ConnectOptions::redirect_port).
    ///
    /// Default: the ports of the registrations.
    pub fn redirect_port(mut self, port: u16) -> Self {
        self.redirect_port = Some(port);
        self
    }

    /// Sets the path of this site to redirect to after a login. Default: `/`.
    pub fn on_connected(mut self, path: &str) -> Self {
        path.clone_into(&mut self.connected);
        self
    }

    /// Sets the path of this site to redirect to after a disconnect. Default: `/`.
    pub fn on_disconnected(mut self, path: &str) -> Self {
        path.clone_into(&mut self.disconnected);
        self
    }

    /// Sets the path of this site to redirect to after a failed callback.
    ///
    /// The path gets the parameter `failure=` with one of the words in the
    /// [crate's table](crate#failures). Default: a plain page with the failure's status.
    pub fn on_failed(mut self, path: &str) -> Self {
        self.failed = Some(path.to_owned());
        self
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
        for path in [&self.connected, &self.disconnected]
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
        let callback_paths = self.callback_paths()?;
        let mut router = Router::new()
            .without_v07_checks()
            .route(
                &format!("{}/connect/{{provider}}", self.at),
                post(connect::connect),
            )
            .route(
                &format!("{}/disconnect/{{provider}}", self.at),
                post(disconnect::disconnect),
            );
        for callback_path in &callback_paths {
            router = router.route(&callback_path.route, callback_route(callback_path));
        }
        let mut options = ConnectOptions::new();
        if let Some(port) = self.redirect_port {
            options = options.redirect_port(port);
        }
        let context = RouteContext {
            accounts: self.accounts,
            options,
            subject: self.subject,
            connected: self.connected,
            disconnected: self.disconnected,
            failed: self.failed,
            callback_paths,
            used_pages: UsedPages::new(),
        };
        let router = page::harden(router).layer(from_fn(run_as_actor));
        Ok(router.with_state(Arc::new(context)))
    }

    fn callback_paths(&self) -> Result<Vec<Arc<CallbackPath>>, Error> {
        let mut taken: HashMap<String, String> = HashMap::new();
        let mut callback_paths = Vec::new();
        for provider in self.accounts.providers() {
            let callback_path = CallbackPath::of(provider, &self.prefix, self.redirect_port)?;
            let (path, brand) = (callback_path.path.clone(), callback_path.brand.clone());
            if self.is_form(&callback_path.route) {
                return Err(Error::TakenPath { path, brand });
            }
            if let Some(first) = taken.insert(path.clone(), brand.clone()) {
                return Err(Error::SharedPath {
                    path,
                    first,
                    second: brand,
                });
            }
            callback_paths.push(Arc::new(callback_path));
        }
        Ok(callback_paths)
    }

    fn is_form(&self, path: &str) -> bool {
        ["connect", "disconnect"].iter().any(|form| {
            let provider = path.strip_prefix(&format!("{}/{form}/", self.at));
            provider.is_some_and(|provider| !provider.contains('/'))
        })
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

fn callback_route(path: &Arc<CallbackPath>) -> MethodRouter<Arc<RouteContext>> {
    let [one, two] = [path.clone(), path.clone()];
    let query = get(move |state, request: Request| callback::query(state, one, request));
    let route = match path.response_mode {
        // A provider that does not know the response mode answers in the query.
        ResponseMode::FormPost => {
            query.post(move |state, request: Request| form_post::complete(state, two, request))
        }
        ResponseMode::Fragment => {
            let (one, path) = (path.clone(), path.clone());
            let page = get(move |state, request: Request| relay::serve(state, one, request));
            page.post(async move |state, request: Request| {
                // The page's script posts the fragment as text.
                if path.asks && form::is_form(request.headers()) {
                    confirm::complete(state, two, request).await
                } else {
                    relay::complete(state, two, request).await
                }
            })
        }
        ResponseMode::Query if path.asks => {
            query.post(move |state, request: Request| confirm::complete(state, two, request))
        }
        ResponseMode::Query => query,
    };
    // HEAD must not complete a login.
    route.head(async || StatusCode::METHOD_NOT_ALLOWED)
}
