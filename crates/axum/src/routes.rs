//! The routes, as an application puts them together.

use std::{collections::HashMap, fmt, sync::Arc};

use axum::{
    Router,
    extract::Request,
    middleware::map_response,
    routing::{MethodRouter, get, post},
};
use http::{StatusCode, request::Parts};
use tokenkeeper_engine::{Accounts, protocol::Channel};

use crate::{
    callback,
    completed::Completed,
    connect,
    context::{RouteContext, Subject},
    disconnect,
    error::Error,
    landing::Landing,
    local_path, page, relay,
};

/// Connect, callback and disconnect routes for all providers of an [`Accounts`].
///
/// | route | what it does |
/// |---|---|
/// | `POST /connect/{provider}` | sends the browser to the provider's authorization page, with the flow in a cookie |
/// | `GET` at the path of each provider's registered redirect URI | finishes the login, or serves the relay page where the answer comes in the fragment |
/// | `POST` at the same path | takes what the relay page posts |
/// | `POST /disconnect/{provider}` | ends the connection |
///
/// `site`, in the query or the form, names the site of a provider that has one per tenant. A handler that is dropped because the
/// browser went away loses nothing: the exchange of the code goes on and its tokens are written.
///
/// ```
/// # fn f(accounts: &tokenkeeper_engine::Accounts) -> Result<(), tokenkeeper_axum::Error> {
/// use axum::Router;
/// use tokenkeeper_axum::Routes;
///
/// /// What the application's own session middleware puts into a request.
/// #[derive(Clone)]
/// struct SignedIn {
///     user_id: String,
/// }
///
/// let routes = Routes::new(accounts, |parts| Some(parts.extensions.get::<SignedIn>()?.user_id.clone()))
///     .on_connected("/settings")
///     .on_failed("/settings");
/// let app: Router = Router::new().merge(routes.router()?); // and the session middleware as a layer
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
    /// Routes for these accounts.
    ///
    /// `subject` names the account of whoever is signed in: by what the application's session middleware left in the request's extensions, say.
    /// `None` where nobody is. It is asked when a login starts and again at the callback: both have to give the same name.
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

    /// Puts `connect` and `disconnect` below this path: `/oauth` makes it `/oauth/connect/{provider}`. Callbacks stay where they are registered.
    pub fn at(mut self, path: &str) -> Self {
        path.trim_end_matches('/').clone_into(&mut self.at);
        self
    }

    /// Where the browser goes after a login: a path of this site. Default: `/`.
    pub fn on_connected(mut self, path: &str) -> Self {
        path.clone_into(&mut self.connected);
        self
    }

    /// Where the browser goes after a disconnect: a path of this site. Default: `/`.
    pub fn on_disconnected(mut self, path: &str) -> Self {
        path.clone_into(&mut self.disconnected);
        self
    }

    /// Where the browser goes after a callback that failed: a path of this site, which gets `failure=` and one of the words in the
    /// [crate's table](crate#failures). Default: a plain page with the failure's status.
    pub fn on_failed(mut self, path: &str) -> Self {
        self.failed = Some(path.to_owned());
        self
    }

    /// Makes the router, to be merged into the application's own. Nested it would not be at the paths that are registered.
    ///
    /// # Errors
    /// [`Error`] where paths meet, or lead away from this site.
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
        let landings = self.landings()?;
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
        for landing in &landings {
            router = router.route(&landing.path, callback_route(landing));
        }
        let context = RouteContext {
            accounts: self.accounts,
            subject: self.subject,
            connected: self.connected,
            disconnected: self.disconnected,
            failed: self.failed,
            landings,
            completed: Completed::default(),
        };
        Ok(router
            .route_layer(map_response(page::harden))
            .with_state(Arc::new(context)))
    }

    fn landings(&self) -> Result<Vec<Arc<Landing>>, Error> {
        let mut taken: HashMap<String, String> = HashMap::new();
        let mut landings = Vec::new();
        for provider in self.accounts.providers() {
            let landing = Landing::of(provider);
            let (path, brand) = (landing.path.clone(), landing.brand.clone());
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
            landings.push(Arc::new(landing));
        }
        Ok(landings)
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

fn callback_route(landing: &Arc<Landing>) -> MethodRouter<Arc<RouteContext>> {
    let [one, two] = [landing.clone(), landing.clone()];
    let route = match landing.channel {
        Channel::Query => get(move |state, request: Request| callback::query(state, one, request)),
        Channel::Fragment => get(move |state, request: Request| relay::serve(state, one, request))
            .post(move |state, request: Request| relay::complete(state, two, request)),
    };
    // What asks with HEAD wants to know about a page, not to finish a login.
    route.head(async || StatusCode::METHOD_NOT_ALLOWED)
}
