//! `tokenkeeper token`.

mod docker;
mod fresh;
mod git;
mod input;
mod kubectl;
mod print;
mod reach;

use std::{process::ExitCode, time::Duration};

use clap::ValueEnum;
use tokenkeeper::Account;
use zeroize::Zeroizing;

pub(crate) use self::{fresh::Fresh, reach::Reach};
use crate::{
    BoxError,
    account::AccountName,
    app::{self, Which},
    exit::misconfigured,
    global::Global,
};

/// Prints a fresh token, for scripts and as a credential helper
///
/// It refreshes the token if it has expired. Processes that do so at once share one token request.
///
/// Formats: `plain` is the token alone, `json` adds its expiry and scope, `header` is what a
/// request carries, for `curl -H @FILE`. `kubectl` is an exec credential. `git` and `docker` are
/// credential helpers: the operation is an argument, the rest is on stdin, and only hosts of the
/// account's provider are answered. There is none for AWS: it signs requests with a secret key,
/// which no token of OAuth can be.
///
/// Examples:
///   tokenkeeper token github
///   tokenkeeper token amiqus --format header | curl -H @- https://id.amiqus.co/api/v2/me
///   git config credential.helper '!tokenkeeper token github --format git'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// PROVIDER, or PROVIDER/NAME.
    account: AccountName,
    /// What a credential helper is asked for: git and docker add it.
    operation: Option<String>,
    /// How the token is printed. Default: `plain`, or `json` with --json.
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Refresh a token that expires sooner, such as `10m`.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    valid_for: Option<Duration>,
    /// The user name that git and docker send with the token, where the server reads it.
    #[arg(long, value_name = "NAME", default_value = "oauth2")]
    username: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Plain,
    Json,
    Header,
    Kubectl,
    /// Refused, with the reason.
    #[value(hide = true)]
    Aws,
    Git,
    Docker,
}

const AWS: &str = "AWS signs requests with a secret key, which no bearer token can be: where the \
                   token is one of OpenID Connect, write it to a file with `--format plain`, and \
                   name that in AWS_WEB_IDENTITY_TOKEN_FILE";

impl Arguments {
    /// Returns the format, which must agree with `--json` and with the operation.
    fn format(&self, global: &Global) -> Result<Format, BoxError> {
        let default = if global.json {
            Format::Json
        } else {
            Format::Plain
        };
        let format = self.format.unwrap_or(default);
        if format == Format::Aws {
            return Err(misconfigured(AWS).into());
        }
        if global.json && format != Format::Json {
            let text = "--json is `--format json`: leave one of the two out";
            return Err(misconfigured(text).into());
        }
        let is_helper = matches!(format, Format::Git | Format::Docker);
        match &self.operation {
            Some(operation) if !is_helper => Err(misconfigured(format!(
                "`{operation}` is an operation of --format git and --format docker only"
            ))
            .into()),
            None if is_helper => {
                let text = "git and docker add an operation: write get, store, erase or list";
                Err(misconfigured(text).into())
            }
            _ => Ok(format),
        }
    }

    fn operation(&self) -> &str {
        self.operation.as_deref().unwrap_or_default()
    }

    async fn fresh(&self, account: &Account) -> Result<Fresh, BoxError> {
        Fresh::take(account, self.valid_for).await
    }
}

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    let format = arguments.format(global)?;
    // Before the store is opened: until then a signal ends the command at once.
    let input = match input::is_read_by(format, arguments.operation()) {
        true => input::read().await?,
        false => Zeroizing::default(),
    };
    let provider = [arguments.account.provider.as_str()];
    app::with(global, Which::Named(&provider), async |app| {
        let account = app.account(&arguments.account)?;
        match format {
            Format::Git => git::run(&arguments, &input, &account).await,
            Format::Docker => docker::run(&arguments, &input, &account).await,
            Format::Kubectl => kubectl::run(&arguments, &account).await,
            Format::Plain => print::plain(&arguments.fresh(&account).await?),
            Format::Json => print::json(&arguments.account, &arguments.fresh(&account).await?),
            Format::Header | Format::Aws => print::headers(&arguments.fresh(&account).await?),
        }
    })
    .await
}
