//! A provider of the configuration, and how it becomes one of the library.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;
use tokenkeeper::{
    presets,
    protocol::{Dialect, Provider, Registration, SitePolicy},
    providers::{Amiqus, FortesMilestones, IOffice, QicsMilestones},
};

use super::{
    Config,
    secret::{self, Secret},
};
use crate::{BoxError, causes, exit::misconfigured};

/// The kind of iOFFICE.
const IOFFICE: &str = "ioffice";

/// The redirect URI of a native application: any port of loopback (RFC 8252 §7.3).
const REDIRECT_URI: &str = "http://127.0.0.1/callback";

/// The client registration at one provider.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderConfig {
    /// The adapter or the preset. Default: that of the provider's own name.
    kind: Option<String>,
    /// The file with the provider's dialect, in place of a `kind`.
    pub(super) dialect: Option<PathBuf>,
    /// The base URL of the tenant, or of an emulator.
    pub(crate) site: Option<String>,
    client_id: String,
    pub(super) client_secret: Option<Secret>,
    pub(super) client_secret_env: Option<String>,
    pub(super) client_secret_file: Option<PathBuf>,
    /// The name of an entry of the keychain.
    pub(super) client_secret_keychain: Option<String>,
    redirect_uri: Option<String>,
    scope: Option<String>,
    /// What the dialect asks for by name.
    #[serde(default)]
    values: BTreeMap<String, String>,
}

impl ProviderConfig {
    /// Returns whether the configuration holds the secret itself.
    pub(super) fn has_secret(&self) -> bool {
        self.client_secret.is_some()
    }

    /// Makes the provider, with its secret.
    pub(crate) async fn build(
        &self,
        name: &str,
        config: &Config,
    ) -> Result<Arc<dyn Provider>, BoxError> {
        let registration = self.registration(name, config).await?;
        let problem = |error: BoxError| misconfigured(format!("[providers.{name}]: {error}"));
        let built = match (&self.dialect, self.kind_of(name)) {
            (Some(file), _) => self.dialect(&config.path(file), registration),
            (None, "rfc6749") => self.plain(name, registration),
            (None, kind) => self.kind(kind, registration),
        };
        Ok(built.map_err(problem)?)
    }

    /// Makes iOFFICE's adapter, which can ask for a code with a password. That takes no secret.
    pub(crate) fn ioffice(&self, name: &str) -> Result<IOffice, BoxError> {
        let built = self.site_of_ioffice(self.public_registration());
        let problem = |error: BoxError| misconfigured(format!("[providers.{name}]: {error}"));
        Ok(built.map_err(problem)?.direct_code())
    }

    /// Returns whether this is iOFFICE.
    pub(crate) fn is_ioffice(&self, name: &str) -> bool {
        self.dialect.is_none() && self.kind_of(name) == IOFFICE
    }

    fn kind_of<'a>(&'a self, name: &'a str) -> &'a str {
        self.kind.as_deref().unwrap_or(name)
    }

    async fn registration(&self, name: &str, config: &Config) -> Result<Registration, BoxError> {
        let registration = self.public_registration();
        Ok(match secret::find(name, self, config).await? {
            Some(secret) => registration.secret(secret.as_str()),
            None => registration,
        })
    }

    /// Returns the registration without its secret.
    fn public_registration(&self) -> Registration {
        let redirect_uri = self.redirect_uri.as_deref().unwrap_or(REDIRECT_URI);
        let mut registration =
            Registration::new(&self.client_id, redirect_uri).any_localhost_port();
        if let Some(scope) = &self.scope {
            registration = registration.scope(scope);
        }
        for (name, value) in &self.values {
            registration = registration.value(name, value);
        }
        registration
    }

    fn kind(&self, kind: &str, registration: Registration) -> Result<Arc<dyn Provider>, BoxError> {
        let site = self.site.as_deref();
        macro_rules! adapter {
            ($adapter:ty) => {{
                let provider = <$adapter>::new(registration)?;
                match site {
                    Some(site) => Arc::new(provider.base(site)?),
                    None => Arc::new(provider),
                }
            }};
        }
        Ok(match kind {
            "amiqus" => adapter!(Amiqus),
            "fortes-milestones" => adapter!(FortesMilestones),
            "qics-milestones" => adapter!(QicsMilestones),
            IOFFICE => Arc::new(self.site_of_ioffice(registration)?),
            kind => self.client(presets::get(kind)?, registration)?,
        })
    }

    fn site_of_ioffice(&self, registration: Registration) -> Result<IOffice, BoxError> {
        let site = self.site.as_deref();
        let site = site.ok_or("iOFFICE has a site for each tenant: add `site`")?;
        Ok(IOffice::new(registration)?.sites(only(site)?))
    }

    /// A provider that follows RFC 6749 at `site`.
    fn plain(&self, name: &str, registration: Registration) -> Result<Arc<dyn Provider>, BoxError> {
        let site = self.site.as_deref();
        let site = site.ok_or("a provider of the kind `rfc6749` is at a `site`")?;
        Ok(Arc::new(Dialect::rfc6749(name, site)?.with(registration)?))
    }

    fn dialect(
        &self,
        file: &Path,
        registration: Registration,
    ) -> Result<Arc<dyn Provider>, BoxError> {
        self.client(read_dialect(file)?, registration)
    }

    fn client(
        &self,
        dialect: Dialect,
        registration: Registration,
    ) -> Result<Arc<dyn Provider>, BoxError> {
        let client = dialect.with(registration)?;
        Ok(match &self.site {
            Some(site) => Arc::new(client.sites(only(site)?)),
            None => Arc::new(client),
        })
    }
}

/// Reads a dialect: JSON by the file's ending, otherwise TOML.
pub(crate) fn read_dialect(file: &Path) -> Result<Dialect, BoxError> {
    let shown = file.display();
    let text = fs::read_to_string(file)
        .map_err(|error| misconfigured(format!("the dialect {shown} cannot be read: {error}")))?;
    let is_json = file.extension().is_some_and(|ending| ending == "json");
    let read = if is_json {
        Dialect::from_json(&text)
    } else {
        Dialect::from_toml(&text)
    };
    Ok(read.map_err(|error| misconfigured(format!("the dialect {shown}: {}", causes(&error))))?)
}

/// Allows one site, which the configuration's author chose, wherever it is.
fn only(site: &str) -> Result<SitePolicy, BoxError> {
    Ok(SitePolicy::only([site])?.allow_loopback())
}
