//! What pages say about a provider.

use tokenkeeper_engine::{Error, protocol};

use crate::context::RouteContext;

/// A provider as pages name it, and the paths of its forms.
pub(crate) struct ProviderInfo {
    /// The name for people.
    pub(crate) name: String,
    /// The path of the form that connects, as browsers see it.
    pub(crate) connect: String,
    /// The path of the form that disconnects.
    pub(crate) disconnect: String,
    /// The path that leads back to the application.
    pub(crate) back: String,
    /// Whether the person must name the site.
    pub(crate) asks_site: bool,
    /// Whether the application is reached by https.
    pub(crate) secure: bool,
}

impl RouteContext {
    /// Describes the provider with this brand, if there is one.
    pub(crate) fn provider_info(&self, brand: &str) -> Option<ProviderInfo> {
        let routes = &self.routes;
        let callback_path = self
            .callback_paths
            .iter()
            .find(|path| path.brand == brand)?;
        let missing = self.accounts.account(brand, "-").err();
        let asks_site = matches!(
            missing,
            Some(Error::Protocol(error)) if matches!(*error, protocol::Error::SiteMissing { .. })
        );
        Some(ProviderInfo {
            name: routes.name_of(brand).to_owned(),
            connect: routes.form_path("connect", brand),
            disconnect: routes.form_path("disconnect", brand),
            back: routes.back.clone(),
            asks_site,
            secure: callback_path.secure,
        })
    }
}
