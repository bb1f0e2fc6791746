//! The routes and their options.

use std::{collections::HashMap, fmt, sync::Arc};

use axum::{
    Router,
    extract::Request,
    routing::{MethodRouter, get, post},
};
use http::{StatusCode, request::Parts};
use tokenkeeper_engine::{Accounts, protocol::ResponseMode};

use crate::{
    callback,
    callback_path::CallbackPath,
    connect,
    context::{RouteContext, Subject},
    disconnect,
    error::Error,
    local_path, page,
    relay::{self, CompletedFlows},
};

/// Connect, callback and disconnect routes for all providers of an [`Accounts`].
///
/// | route | what it does |
/// |---|---|
/// | `POST /connect/{provider}` | redirects to the authorization page, with the flow in a cookie |
/// | `GET` at each redirect URI's path | finishes the login, or serves the relay page |
/// | `POST` at the same path | finishes a login for the relay page |
/// | `POST /disconnect/{provider}` | disconnects the account |
///
/// The relay page is for providers that answer in the fragment. `site`, in the query or the form,
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
    /// Do not nest it: callbacks must be served at their registered paths.
    ///
    /// # Errors
    /// [`Error`] if paths collide, or lead away from this site.
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Result<Router<S>, Error> {
        for path in [&self.connected, &self.disconnected]
            .into_iter()
            .chain(&self.failed)
        {
            local_path::check(path)?;
        }
        if !self.at.is_empty() {
            local_path::check(&self.at)?;
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
            router = router.route(&callback_path.path, callback_route(callback_path));
        }
        let context = RouteContext {
            accounts: self.accounts,
            subject: self.subject,
            connected: self.connected,
            disconnected: self.disconnected,
            failed: self.failed,
            callback_paths,
            completed: CompletedFlows::new(),
        };
        Ok(page::harden(router).with_state(Arc::new(context)))
    }

    fn callback_paths(&self) -> Result<Vec<Arc<CallbackPath>>, Error> {
        let mut taken: HashMap<String, String> = HashMap::new();
        let mut callback_paths = Vec::new();
        for provider in self.accounts.providers() {
            let callback_path = CallbackPath::of(provider);
            let (path, brand) = (callback_path.path.clone(), callback_path.brand.clone());
            if self.is_form(&path) {
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
            .field("connected", &self.connected)
            .field("disconnected", &self.disconnected)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

fn callback_route(path: &Arc<CallbackPath>) -> MethodRouter<Arc<RouteContext>> {
    let [one, two] = [path.clone(), path.clone()];
    let route = match path.response_mode {
        ResponseMode::Query | ResponseMode::FormPost => {
            get(move |state, request: Request| callback::query(state, one, request))
        }
        ResponseMode::Fragment => {
            get(move |state, request: Request| relay::serve(state, one, request))
                .post(move |state, request: Request| relay::complete(state, two, request))
        }
    };
    // HEAD must not complete a login.
    route.head(async || StatusCode::METHOD_NOT_ALLOWED)
}
