//! The options of every command.

use std::path::PathBuf;

use crate::store::StoreArguments;

/// The options of every command.
#[derive(Debug, clap::Args)]
pub(crate) struct Global {
    /// The configuration file. Default: tokenkeeper/config.toml in the user's configuration
    /// folder; `tokenkeeper init` writes it.
    #[arg(long, global = true, env = "TOKENKEEPER_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    /// A file with the keys that encrypt the store: `id:base64` of 32 bytes each, the current one
    /// first. Default: the environment variable TOKENKEEPER_KEYS, then what the configuration
    /// names, then `keys` next to the store's default file.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}
