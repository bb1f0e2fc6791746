//! `tokenkeeper init`: a commented configuration to start from.

use std::process::ExitCode;

use crate::{
    BoxError,
    app::{create_private_folder, write_private},
    config,
    exit::misconfigured,
    global::Global,
    output,
};

/// Writes a commented configuration file
///
/// An existing file is left as it is.
///
/// Example: tokenkeeper init
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

const TEXT: &str = include_str!("init.toml");

pub(crate) fn run(_: &Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    let path = match &global.config {
        Some(path) => path.clone(),
        None => config::default_file()?,
    };
    let shown = path.display();
    let failed = |error: std::io::Error| misconfigured(format!("{shown} cannot be made: {error}"));
    if let Some(folder) = path.parent() {
        create_private_folder(folder).map_err(failed)?;
    }
    // A client secret may be added.
    write_private(&path, TEXT).map_err(failed)?;
    if global.json {
        output::json(&serde_json::json!({ "config": path }))?;
    } else {
        output::note(&format!("Add your providers to {shown}."));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::TEXT;
    use crate::config::Config;

    #[test]
    fn the_written_file_is_valid_with_and_without_comments() {
        toml::from_str::<Config>(TEXT).unwrap();
        let settings = TEXT.lines().filter_map(|line| line.strip_prefix("# "));
        let settings = settings.filter(|line| line.starts_with('[') || line.contains(" = "));
        let text: Vec<_> = settings.collect();
        let config = toml::from_str::<Config>(&text.join("\n")).unwrap();
        assert_eq!(config.providers.len(), 2);
        assert!(config.store.is_some() && config.keys.is_some());
    }
}
