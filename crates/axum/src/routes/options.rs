//! The options of the routes.

use std::{future::Future, sync::Arc};

use axum::response::{IntoResponse, Response};
use http::request::Parts;
use tokenkeeper_engine::{Account, Login};

use super::Routes;
use crate::failure::FailurePage;

impl Routes {
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
    /// [crate's table](crate#failures). Default: the page of
    /// [`failure_page`](Self::failure_page), with the failure's status.
    pub fn on_failed(mut self, path: &str) -> Self {
        self.failed = Some(path.to_owned());
        self
    }

    /// Sets the path of the button "Back" on built-in pages, and of [`FailurePage::back`]. A form's
    /// or a link's own `next` comes first. Default: `/`.
    pub fn back_to(mut self, path: &str) -> Self {
        path.clone_into(&mut self.back);
        self
    }

    /// Sets a provider's name for people, on the built-in pages. Default: its brand.
    pub fn display_name(mut self, brand: &str, name: &str) -> Self {
        self.names.insert(brand.to_owned(), name.to_owned());
        self
    }

    /// Sets the scope values that a form's or a link's field `scope` may ask for, of all
    /// providers. Default: none, and logins ask for the registration's scope.
    pub fn allow_scopes<I: IntoIterator<Item: Into<String>>>(mut self, scopes: I) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Sets the names of a form's or a link's fields that become parameters of the authorization
    /// request, such as `login_hint` or `prompt`. Others are ignored. Default: none.
    pub fn allow_parameters<I: IntoIterator<Item: Into<String>>>(mut self, names: I) -> Self {
        self.parameters.extend(names.into_iter().map(Into::into));
        self
    }

    /// Allows several accounts of one person at one provider: the field `account` of a form or a
    /// link names one of them.
    ///
    /// `subject` returns the subject of the account with this name, given what the function of
    /// [`new`](Self::new) returned, or `None` for a name that the person may not use. Different
    /// people must get different subjects. Default: a field `account` is refused.
    ///
    /// ```
    /// # fn f(routes: tokenkeeper_axum::Routes) -> tokenkeeper_axum::Routes {
    /// routes.account_names(|person, name| {
    ///     // Ids of people have no slash, so no two people share a subject.
    ///     ["work", "home"].contains(&name).then(|| format!("{person}/{name}"))
    /// })
    /// # }
    /// ```
    pub fn account_names(
        mut self,
        subject: impl Fn(&str, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.account_names = Some(Arc::new(subject));
        self
    }

    /// Sets what to run after a login, before the browser is redirected.
    ///
    /// A callback that comes twice at once may run it twice. If the browser goes away during the
    /// exchange, the login goes on and this does not run: what must not be missed belongs to
    /// [`Accounts::events`](tokenkeeper_engine::Accounts::events).
    pub fn after_connect<F: Future<Output = ()> + Send + 'static>(
        mut self,
        hook: impl Fn(Login) -> F + Send + Sync + 'static,
    ) -> Self {
        self.after_connect = Some(Arc::new(move |login| Box::pin(hook(login))));
        self
    }

    /// Sets what to run after a disconnect by these routes, before the browser is redirected. It
    /// also runs if the account was not connected.
    pub fn after_disconnect<F: Future<Output = ()> + Send + 'static>(
        mut self,
        hook: impl Fn(Account) -> F + Send + Sync + 'static,
    ) -> Self {
        self.after_disconnect = Some(Arc::new(move |account| Box::pin(hook(account))));
        self
    }

    /// Sets the page about a failure, of a `POST` too.
    ///
    /// The function gets the request's head, for example for the person's language, and what to
    /// show. Its response has the status of its choice, and these routes add a Content Security
    /// Policy that loads nothing if it has none. [`on_failed`](Self::on_failed) comes first for
    /// callbacks. Default: a built-in page.
    pub fn failure_page<R: IntoResponse>(
        mut self,
        page: impl Fn(&Parts, FailurePage) -> R + Send + Sync + 'static,
    ) -> Self {
        self.failure_page = Some(Arc::new(move |parts: &Parts, failure| -> Response {
            page(parts, failure).into_response()
        }));
        self
    }
}
