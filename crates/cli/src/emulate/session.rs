//! A configuration of the command for the time of an emulator.

use std::{io, net::TcpListener, path::PathBuf};

use tempfile::TempDir;
use tokenkeeper::protocol::ClientAuthentication;
use tokenkeeper_emulator::Emulator;

use super::{Arguments, Provider, preset};
use crate::{
    BoxError,
    app::{draw_key, write_private},
};

/// A folder with a configuration and a store, which goes with the emulator.
pub(super) struct Session {
    folder: TempDir,
    provider: &'static str,
    has_secret: bool,
}

impl Session {
    /// Writes the configuration for this emulator.
    pub(super) fn create(
        arguments: &Arguments,
        emulator: &Emulator,
        callback: &str,
    ) -> Result<Self, BoxError> {
        let folder = tempfile::Builder::new().prefix("tokenkeeper-").tempdir()?;
        let provider = arguments.provider.name();
        let base = emulator.base();
        let store = format!("sqlite:{}", folder.path().join("accounts.db").display());
        let mut text = format!(
            "store = {store:?}\nkeys = \"keys\"\n\n[providers.{provider}]\nclient_id = \
             {client_id:?}\nredirect_uri = {callback:?}\n",
            client_id = arguments.client_id,
        );
        let mut has_secret = true;
        match arguments.provider {
            Provider::Preset(name) => {
                let dialect = preset::dialect(name, &arguments.client_id, base)?;
                let method = dialect.token.client_authentication;
                has_secret = method != ClientAuthentication::None;
                let file = folder.path().join("dialect.toml");
                write_private(&file, &toml::to_string(&dialect)?)?;
                text += "dialect = \"dialect.toml\"\n";
            }
            Provider::Plain => text += &format!("kind = \"rfc6749\"\nsite = {base:?}\n"),
            _ => text += &format!("site = {base:?}\n"),
        }
        if has_secret {
            text += &format!("client_secret = {:?}\n", arguments.secret);
        }
        draw_key(&folder.path().join("keys"))?;
        let session = Self {
            folder,
            provider,
            has_secret,
        };
        write_private(&session.config(), &text)?;
        Ok(session)
    }

    /// Returns whether the client has a secret: that of some presets is public.
    pub(super) fn has_secret(&self) -> bool {
        self.has_secret
    }

    /// Returns the configuration's file.
    pub(super) fn config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// Returns commands to try.
    pub(super) fn commands(&self, api: &str) -> String {
        let config = self.config();
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

/// Returns a redirect URI at a port that is free now, for logins by the command.
pub(super) fn free_callback() -> io::Result<String> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    Ok(format!("http://127.0.0.1:{port}/callback"))
}
