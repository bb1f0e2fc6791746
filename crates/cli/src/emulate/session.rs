//! A configuration of the command for the time of an emulator.

use std::{io, net::TcpListener};

use tempfile::TempDir;
use tokenkeeper_emulator::Emulator;

use super::{Arguments, Provider};
use crate::BoxError;

/// A folder with a configuration and a store, which goes with the emulator.
pub(super) struct Session {
    folder: TempDir,
    provider: &'static str,
}

impl Session {
    /// Writes the configuration for this emulator.
    pub(super) fn create(
        arguments: &Arguments,
        emulator: &Emulator,
        callback: &str,
    ) -> Result<Self, BoxError> {
        let folder = tempfile::Builder::new().prefix("tokenkeeper-").tempdir()?;
        let (provider, kind) = names(arguments.provider);
        let store = format!("sqlite:{}", folder.path().join("accounts.db").display());
        let text = format!(
            "store = {store:?}\nkeys = \"keys\"\n\n[providers.{provider}]\nkind = {kind:?}\n\
             site = {site:?}\nclient_id = {client_id:?}\nclient_secret = {secret:?}\n\
             redirect_uri = {callback:?}\n",
            site = emulator.base(),
            client_id = arguments.client_id,
            secret = arguments.secret,
        );
        crate::app::draw_key(&folder.path().join("keys"))?;
        crate::app::write_private(&folder.path().join("config.toml"), &text)?;
        Ok(Self { folder, provider })
    }

    /// Returns commands to try.
    pub(super) fn commands(&self, api: &str) -> String {
        let config = self.folder.path().join("config.toml");
        let provider = self.provider;
        format!(
            "# In another terminal:\n\
             export TOKENKEEPER_CONFIG={}\n\
             tokenkeeper login {provider}\n\
             tokenkeeper request GET {api}\n\
             tokenkeeper status {provider}\n",
            config.display()
        )
    }
}

/// Returns the name of the provider in the configuration, and its kind.
fn names(provider: Provider) -> (&'static str, &'static str) {
    match provider {
        Provider::Amiqus => ("amiqus", "amiqus"),
        Provider::QicsMilestones => ("qics-milestones", "qics-milestones"),
        Provider::FortesMilestones => ("fortes-milestones", "fortes-milestones"),
        Provider::Ioffice => ("ioffice", "ioffice"),
        Provider::Plain => ("plain", "rfc6749"),
    }
}

/// Returns a redirect URI at a port that is free now, for logins by the command.
pub(super) fn free_callback() -> io::Result<String> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    Ok(format!("http://127.0.0.1:{port}/callback"))
}
