//! `tokenkeeper doctor`: looks for what would make other commands fail.

mod local;
mod provider;
mod report;

use std::process::ExitCode;

use tokenkeeper::reqwest::ReqwestTransport;

use self::report::Report;
use crate::{BoxError, app::install_crypto, config::Config, global::Global};

/// Looks for what would make other commands fail, and says what to do
///
/// It checks the configuration, the rights of files, the keys, the store and its records, and at
/// each provider the client, the redirect URI, the endpoints and the clock. It sends no secret, and
/// changes nothing. The exit status is 0 if all is well, otherwise 1.
///
/// Examples:
///   tokenkeeper doctor
///   tokenkeeper doctor amiqus
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Check only this provider, as the configuration names it. Default: all of them.
    provider: Option<String>,
}

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    install_crypto();
    let mut report = Report::new(global.json);
    let read = Config::read(global.config.as_deref());
    let config = report.take("configuration", read, |config| match config.file() {
        Some(file) => format!("{} is valid", file.display()),
        None => "there is none; `tokenkeeper init` writes one".to_owned(),
    });
    let Some(config) = config else {
        return report.end();
    };
    local::check_rights(&mut report, &config);
    local::check_store(&mut report, global, &config).await;

    let names: Vec<&str> = match &arguments.provider {
        Some(name) => vec![name],
        None => config.providers.keys().map(String::as_str).collect(),
    };
    if names.is_empty() {
        report.problem(
            "providers",
            "none is configured: add one to the configuration",
        );
    }
    let transport = ReqwestTransport::new()?;
    for name in names {
        provider::check(&mut report, &config, name, &transport).await;
    }
    report.end()
}
