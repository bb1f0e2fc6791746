//! What a page about a failure shows.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, request::Parts};

use super::Failure;
use crate::{builtin, context::RouteContext, fields::Fields, page};

/// What the person wanted to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Connect,
    Disconnect,
}

/// What a person can do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextStep {
    /// Try again now, by the form of [`FailurePage::retry`].
    TryAgain,
    /// Sign in to the application first.
    SignIn,
    /// Try again in a while, by the same form.
    Wait,
    /// Go back: only the application's operator, or another link, helps.
    GoBack,
}

/// A failed login or disconnect, for [`Routes::failure_page`](crate::Routes::failure_page).
///
/// As a response it is the built-in page. Nothing in it is secret. The texts come from a fixed set,
/// except for the provider's own words about a denial, in [`message`](Self::message): escape it, as
/// template engines do.
///
/// ```
/// use axum::response::{Html, IntoResponse as _};
/// use tokenkeeper_axum::{FailurePage, Routes};
///
/// # fn f(routes: Routes) -> Routes {
/// routes.failure_page(|_request, failure: FailurePage| match failure.code() {
///     "signed-out" => (failure.status(), Html("<p>Sign in first.")).into_response(),
///     _ => failure.into_response(),
/// })
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FailurePage {
    pub(crate) brand: String,
    pub(crate) name: Option<String>,
    pub(crate) task: Task,
    pub(crate) failure: Failure,
    pub(crate) back: String,
    pub(crate) retry: Option<RetryForm>,
    pub(crate) secure: bool,
}

/// A form that tries again: a `POST` to a path of these routes.
#[derive(Clone, Debug)]
pub struct RetryForm {
    pub(crate) action: String,
    pub(crate) fields: Fields,
    pub(crate) asks_site: bool,
}

impl FailurePage {
    /// Returns the provider's brand. If there is no such provider, it is what the URL names.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.brand
    }

    /// Returns the provider's name for people, by
    /// [`Routes::display_name`](crate::Routes::display_name) or else its brand; `None` if there is
    /// no such provider.
    #[must_use]
    pub fn provider_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the status of the response.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.failure.status
    }

    /// Returns the failure in one word, of the [crate's table](crate#failures).
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.failure.code
    }

    /// Returns a title that is true: it says that the login or the disconnect was not finished,
    /// and nothing about the account, which may be connected by another login.
    #[must_use]
    pub fn title(&self) -> String {
        match (&self.name, self.task) {
            (None, _) => "There is no such provider".to_owned(),
            (Some(name), Task::Connect) => format!("The login at {name} was not finished"),
            (Some(name), Task::Disconnect) => {
                format!("The disconnect from {name} was not finished")
            }
        }
    }

    /// Returns one or two sentences for the person: what failed, and what to do next.
    #[must_use]
    pub fn message(&self) -> String {
        self.failure.message()
    }

    /// Returns what the person can do next.
    #[must_use]
    pub fn next_step(&self) -> NextStep {
        self.failure.next_step()
    }

    /// Returns the form that tries again; `None` if that does not help.
    #[must_use]
    pub const fn retry(&self) -> Option<&RetryForm> {
        self.retry.as_ref()
    }

    /// Returns the path that leads back to the application.
    #[must_use]
    pub fn back(&self) -> &str {
        &self.back
    }
}

impl IntoResponse for FailurePage {
    fn into_response(self) -> Response {
        builtin::failure(&self)
    }
}

impl RetryForm {
    /// Returns the path to post to.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// Returns the names and values of the hidden fields.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.pairs().into_iter()
    }

    /// Returns whether the form must also ask for `site`, the site of the provider.
    #[must_use]
    pub const fn asks_site(&self) -> bool {
        self.asks_site
    }
}

impl RouteContext {
    /// Shows a failure, by the application's page or the built-in one.
    pub(crate) fn failure_page(
        &self,
        parts: &Parts,
        brand: &str,
        task: Task,
        failure: &Failure,
    ) -> Response {
        let shown = self.describe(brand, task, failure);
        let mut response = match &self.routes.failure_page {
            Some(render) => render(parts, shown),
            None => shown.into_response(),
        };
        page::retry_after(failure, response.headers_mut());
        response
    }

    /// Returns what a page shows about a failure.
    pub(crate) fn describe(&self, brand: &str, task: Task, failure: &Failure) -> FailurePage {
        let provider = self.provider_info(brand);
        let helps = matches!(failure.next_step(), NextStep::TryAgain | NextStep::Wait);
        let retry = provider.as_ref().filter(|_| helps).map(|provider| {
            let mut fields = failure.fields();
            if failure.code == Failure::SITE.code {
                fields.site = None;
            }
            RetryForm {
                action: match task {
                    Task::Connect => provider.connect.clone(),
                    Task::Disconnect => provider.disconnect.clone(),
                },
                asks_site: provider.asks_site && fields.site.is_none(),
                fields,
            }
        });
        let next = failure.fields().next;
        FailurePage {
            brand: brand.to_owned(),
            task,
            failure: failure.clone(),
            back: next.unwrap_or_else(|| self.routes.back.clone()),
            retry,
            secure: provider.as_ref().is_none_or(|provider| provider.secure),
            name: provider.map(|provider| provider.name),
        }
    }
}
