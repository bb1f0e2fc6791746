//! What a page about a failure shows.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, request::Parts};

use super::Failure;
use crate::{builtin, context::RouteContext, fields::Fields, page, provider_info::ProviderInfo};

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
    /// Try again now, by the form of [`FailurePage::retry`] or by the link of
    /// [`FailurePage::retry_link`].
    TryAgain,
    /// Sign in to the application first.
    SignIn,
    /// Try again in a while, in the same way.
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
    pub(crate) retry: Option<Retry>,
    pub(crate) secure: bool,
}

/// How a person tries again.
#[derive(Clone, Debug)]
pub(crate) enum Retry {
    Form(RetryForm),
    /// The path of the page that connects, if it is not known what the attempt was about.
    Link(String),
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
        match self.failure.next_step() {
            NextStep::TryAgain | NextStep::Wait if self.retry.is_none() => NextStep::GoBack,
            step => step,
        }
    }

    /// Returns the form that tries again; `None` if that does not help, or if it is not known
    /// which account the failed attempt was about.
    #[must_use]
    pub const fn retry(&self) -> Option<&RetryForm> {
        match &self.retry {
            Some(Retry::Form(form)) => Some(form),
            _ => None,
        }
    }

    /// Returns the path of the page that connects, if it is not known which account the failed
    /// attempt was about. A login there is for the person's first account, and the page says so if
    /// it replaces another. `None` if there is a form, or if trying again does not help.
    #[must_use]
    pub fn retry_link(&self) -> Option<&str> {
        match &self.retry {
            Some(Retry::Link(path)) => Some(path),
            _ => None,
        }
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
        let known = failure.known_fields();
        let provider_to_retry = provider.as_ref().filter(|_| helps);
        let retry = provider_to_retry.and_then(|provider| match (known, task) {
            (Some(fields), _) => Some(Retry::Form(retry_form(provider, task, failure, fields))),
            (None, Task::Connect) => Some(Retry::Link(provider.connect.clone())),
            // The form would disconnect the first account.
            (None, Task::Disconnect) => None,
        });
        let next = known.and_then(|fields| fields.next.clone());
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

fn retry_form(
    provider: &ProviderInfo,
    task: Task,
    failure: &Failure,
    fields: &Fields,
) -> RetryForm {
    let mut fields = fields.clone();
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
}
