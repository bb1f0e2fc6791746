//! The configuration file.

mod provider;
mod secret;

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
};

use etcetera::{AppStrategy, AppStrategyArgs, HomeDirError, app_strategy};
use serde::Deserialize;

pub(crate) use self::provider::{ProviderConfig, read_dialect};
use crate::{BoxError, exit::misconfigured, keychain};

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The URL of the store, as `--store` takes it.
    pub(crate) store: Option<String>,
    /// Where the store's keys are.
    pub(crate) keys: Option<KeysPlace>,
    /// The providers, by the names that commands take.
    #[serde(default)]
    pub(crate) providers: BTreeMap<String, ProviderConfig>,
    /// The file itself.
    #[serde(skip)]
    file: Option<PathBuf>,
}

/// Where the keys of the store are: in a file, as `--keys` takes it, or in the keychain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum KeysPlace {
    File(PathBuf),
    /// The name of the entry.
    Keychain(String),
}

impl TryFrom<String> for KeysPlace {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.split_once(':') {
            Some(("keychain", "")) => Err("`keychain:` needs the name of an entry"),
            Some(("keychain", name)) => Ok(Self::Keychain(name.to_owned())),
            _ if text == "keychain" => Ok(Self::Keychain(keychain::KEYS.to_owned())),
            _ => Ok(Self::File(text.into())),
        }
    }
}

impl Config {
    /// Reads the file that was named, or the user's own if there is one.
    pub(crate) fn read(named: Option<&Path>) -> Result<Self, BoxError> {
        let default = default_file();
        let path = match (named, &default) {
            (Some(path), _) => path,
            (None, Ok(path)) => path.as_path(),
            // Without a home there is no file, and commands that need none go on.
            (None, Err(_)) => return Ok(Self::default()),
        };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {
                return Ok(Self::default());
            }
            Err(error) => {
                let text = format!(
                    "the configuration {} cannot be read: {error}",
                    path.display()
                );
                return Err(misconfigured(text).into());
            }
        };
        let mut config: Self = toml::from_str(&text).map_err(|error| {
            // Its text quotes the line, which may hold a secret.
            let line = error.span().map_or(0, |span| line_of(&text, span.start));
            let problem = error.message();
            let path = path.display();
            misconfigured(format!("the configuration {path}, line {line}: {problem}"))
        })?;
        config.file = Some(path.to_owned());
        if config.providers.values().any(ProviderConfig::has_secret) {
            secret::refuse_readable_by_others(path)?;
        }
        Ok(config)
    }

    /// Returns the provider of this name.
    pub(crate) fn provider(&self, name: &str) -> Result<&ProviderConfig, BoxError> {
        let Some(provider) = self.providers.get(name) else {
            let known: Vec<_> = self.providers.keys().map(String::as_str).collect();
            let text = if known.is_empty() {
                format!(
                    "no provider is configured: run `tokenkeeper init`, and add [providers.{name}]"
                )
            } else {
                format!("`{name}` is not configured, but {} is", known.join(", "))
            };
            return Err(misconfigured(text).into());
        };
        Ok(provider)
    }

    /// Resolves a path of the file, which is relative to its folder.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        let folder = self.file.as_deref().and_then(Path::parent);
        folder.unwrap_or(Path::new("")).join(path)
    }

    /// Returns the file, if there is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Returns the files that say what commands do: this one, and dialects.
    pub(crate) fn files(&self) -> impl Iterator<Item = PathBuf> {
        let providers = self.providers.values();
        let dialects = providers.filter_map(|provider| provider.dialect.as_deref());
        let dialects = dialects.map(|dialect| self.path(dialect));
        self.file.iter().cloned().chain(dialects)
    }
}

/// Returns the number of the line with this byte.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// Returns the user's own configuration file.
pub(crate) fn default_file() -> Result<PathBuf, BoxError> {
    Ok(folders()?.config_dir().join("config.toml"))
}

/// Returns the user's folder for what programs keep.
pub(crate) fn data_folder() -> Result<PathBuf, BoxError> {
    Ok(folders()?.data_dir())
}

/// Returns the folders by the XDG base directory specification, and by Windows' rules there.
fn folders() -> Result<impl AppStrategy, BoxError> {
    let names = AppStrategyArgs {
        app_name: "tokenkeeper".to_owned(),
        ..AppStrategyArgs::default()
    };
    let folders = app_strategy::choose_app_strategy(names);
    folders.map_err(|_: HomeDirError| {
        misconfigured("no home folder is known: name the files with --config and --store").into()
    })
}

/// Returns the value of an environment variable that is not empty.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_a_file_or_in_an_entry_of_the_keychain() {
        let place = |text: &str| KeysPlace::try_from(text.to_owned());
        let file = |path: &str| Ok(KeysPlace::File(path.into()));
        let entry = |name: &str| Ok(KeysPlace::Keychain(name.to_owned()));
        assert_eq!(place("keychain"), entry("keys"));
        assert_eq!(place("keychain:work"), entry("work"));
        assert_eq!(place("keys"), file("keys"));
        assert_eq!(place("./keychain"), file("./keychain"));
        assert_eq!(place(r"C:\\keys"), file(r"C:\\keys"));
        assert!(place("keychain:").is_err());
    }
}
