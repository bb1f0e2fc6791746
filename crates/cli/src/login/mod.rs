//! `tokenkeeper login`.

mod browser;
mod device;
mod steps;

use std::process::ExitCode;

use serde_json::json;
use tokenkeeper::{Account, ConnectOptions, Login};

pub(crate) use self::browser::port_of;
use crate::{BoxError, account::AccountName, app, global::Global, output};

/// Connects an account: opens the browser, and waits for the provider's answer on loopback
///
/// Without a browser on this machine, open the URL elsewhere, and paste the address at which the
/// browser ends. A program without a terminal calls twice: `--start` prints an object with the
/// `url` and the `flow`; `--finish` reads `{"flow": …, "answer": …}` from stdin, where the answer
/// is that address. If the provider returned no state, add `"confirmed": true` once the person has
/// said that the address comes from their own login.
///
/// Examples:
///   tokenkeeper login amiqus
///   tokenkeeper login github --device
///   tokenkeeper login github --account work --scope repo --no-browser
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The provider, as the configuration names it.
    provider: String,
    /// A name for the account, if you have several at this provider.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The scope to ask for. Default: the configuration's.
    #[arg(long)]
    scope: Option<String>,
    /// Print a code to type on another device (RFC 8628), and wait until it is approved there.
    #[arg(long, conflicts_with_all = ["start", "finish", "no_browser", "port"])]
    device: bool,
    /// Open no browser: print the URL.
    #[arg(long)]
    no_browser: bool,
    /// The port of loopback to listen at, if the provider accepts any. Default: the configured
    /// redirect URI's, or any free one if it has none.
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Print the URL and the flow as JSON, and end.
    #[arg(long, conflicts_with_all = ["finish", "no_browser"])]
    start: bool,
    /// Read the flow and the answer as JSON from stdin.
    #[arg(long, conflicts_with_all = ["no_browser", "port", "scope"])]
    finish: bool,
}

impl Arguments {
    fn name(&self) -> AccountName {
        AccountName::new(&self.provider, self.account.as_deref())
    }

    fn options(&self) -> ConnectOptions {
        let options = ConnectOptions::new();
        match &self.scope {
            Some(scope) => options.scope(scope),
            None => options,
        }
    }
}

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    let name = arguments.name();
    app::with(global, async |app| {
        let account = app.account(&name)?;
        if arguments.start {
            return steps::start(&arguments, &app.accounts, &account);
        }
        let login = if arguments.finish {
            steps::finish(&app.accounts, &account).await?
        } else if arguments.device {
            device::log_in(&arguments, &account).await?
        } else {
            browser::log_in(&arguments, &app.accounts, &account).await?
        };
        report(&name, &login, global.json)?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn report(name: &AccountName, login: &Login, as_json: bool) -> Result<(), BoxError> {
    if as_json {
        let account: &Account = &login.account;
        let site = account.site().to_string();
        return output::json(&json!({
            "account": name.to_string(),
            "provider": account.provider(),
            "site": site,
        }));
    }
    output::note(&format!("{name} is connected."));
    Ok(())
}
