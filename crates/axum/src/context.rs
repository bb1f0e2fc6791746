//! The state that all handlers share.

use std::sync::Arc;

use http::request::Parts;
use tokenkeeper_engine::{Accounts, Advice, ConnectOptions, ErrorChain, FlowInfo};

use crate::{
    callback_path::CallbackPath, failure::Failure, fields::Fields, person::Person,
    relay::UsedPages, routes::Routes,
};

/// The options of the routes, and the memory that the handlers keep between requests.
pub(crate) struct RouteContext {
    pub(crate) accounts: Accounts,
    pub(crate) routes: Routes,
    pub(crate) options: ConnectOptions,
    pub(crate) callback_paths: Vec<Arc<CallbackPath>>,
    pub(crate) used_pages: UsedPages,
}

impl RouteContext {
    /// Returns the subject of the signed-in person's account with this name.
    pub(crate) fn subject(&self, parts: &Parts, name: Option<&str>) -> Result<String, Failure> {
        let person = parts.extensions.get::<Person>();
        let person = person.and_then(|person| person.0.as_deref());
        let person = person.ok_or(Failure::SIGNED_OUT)?;
        let subject = self.routes.account_subject(person, name);
        subject.ok_or(Failure::ACCOUNT)
    }

    pub(crate) fn callback_path(&self, path: &str) -> Option<&CallbackPath> {
        let mut all = self.callback_paths.iter();
        all.find(|known| known.path == path).map(AsRef::as_ref)
    }

    /// Returns the path to redirect to after this login.
    pub(crate) fn destination(&self, info: &FlowInfo) -> String {
        let next = Fields::of_flow(info).next;
        next.unwrap_or_else(|| self.routes.connected.clone())
    }

    /// Returns the fields of a new attempt at the login of a flow.
    pub(crate) fn fields_of(&self, info: &FlowInfo) -> Fields {
        let mut fields = Fields::of_flow(info);
        let account = &info.account;
        let default = self.accounts.account(account.provider(), account.subject());
        if default.is_ok_and(|default| default == *account) {
            return fields;
        }
        fields.site = Some(account.site().as_str().to_owned());
        fields
    }

    /// Logs an error and returns what the browser may see of it.
    pub(crate) fn log(&self, brand: &str, error: &tokenkeeper_engine::Error) -> Failure {
        let failure = Failure::from(error);
        let must_fix = error.advice() == Advice::FixConfiguration;
        let error = tracing::field::display(ErrorChain::of(error));
        if must_fix || failure.status.is_server_error() {
            tracing::warn!(
                provider = brand,
                failure = failure.code,
                error,
                "a login or disconnect failed"
            );
        } else {
            tracing::info!(
                provider = brand,
                failure = failure.code,
                error,
                "a login or disconnect was refused"
            );
        }
        failure.logged()
    }
}
