//! `tokenkeeper login`.

mod browser;
mod device;
mod password;
mod steps;

use std::process::ExitCode;

use serde_json::json;
use tokenkeeper::{Account, ConnectOptions, Login};
use zeroize::Zeroizing;

pub(crate) use self::browser::port_of;
use crate::{
    BoxError,
    account::AccountName,
    app::{self, App, Which},
    global::Global,
    output,
};

/// Connects an account: opens the browser, and waits for the provider's answer on loopback
///
/// Without a browser on this machine, open the URL elsewhere, and paste the address at which the
/// browser ends. A program without a terminal calls twice: `--start` prints an object with the
/// `url` and the `flow`; `--finish` reads `{"flow": …, "answer": …}` from stdin, where the answer
/// is that address. If the provider returned no state, add `"confirmed": true` once the person has
/// said that the address comes from their own login. With --device the object of `--start` has the
/// code and its page, and `--finish` reads `{"flow": …}`, and waits until the person has decided.
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
    #[arg(long, conflicts_with_all = ["no_browser", "port"])]
    device: bool,
    /// Open no browser: print the URL.
    #[arg(long)]
    no_browser: bool,
    /// The port of loopback to listen at, if the provider accepts any. Default: the configured
    /// redirect URI's, or any free one if it has none.
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Print what the person needs and the flow as JSON, and end.
    #[arg(long, conflicts_with_all = ["finish", "no_browser"])]
    start: bool,
    /// Read the flow, and the answer if there is one, as JSON from stdin.
    #[arg(long, conflicts_with_all = ["no_browser", "port", "scope"])]
    finish: bool,
    /// Log in without a browser, by the name of a user and a password, for which the terminal asks.
    /// Only for iOFFICE: this command then sees the password, which the browser exists to avoid.
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with_all = ["device", "start", "finish", "no_browser", "port"]
    )]
    user: Option<String>,
    /// Read the password from stdin.
    #[arg(long, requires = "user")]
    password_stdin: bool,
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
    let input = Input::read(&arguments, global).await?;
    let provider = [name.provider.as_str()];
    app::with(global, Which::Named(&provider), async |app| {
        let account = app.account(&name)?;
        if let Some(login) = log_in(&arguments, input, app, &account).await? {
            report(&name, &login, global.json)?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// What is read before the store is opened, and so before any token could be lost.
enum Input {
    None,
    Password(Zeroizing<String>),
    Answer(steps::Finish),
    DeviceFlow(device::Finish),
}

impl Input {
    async fn read(arguments: &Arguments, global: &Global) -> Result<Self, BoxError> {
        Ok(match (&arguments.user, arguments.finish) {
            (Some(user), _) => Self::Password(password::read(arguments, user, global).await?),
            (None, true) if arguments.device => Self::DeviceFlow(device::Finish::read().await?),
            (None, true) => Self::Answer(steps::Finish::read().await?),
            (None, false) => Self::None,
        })
    }
}

/// Logs in, or does one of the two steps. `None`: only the first one is done.
async fn log_in(
    arguments: &Arguments,
    input: Input,
    app: &App,
    account: &Account,
) -> Result<Option<Login>, BoxError> {
    let accounts = &app.accounts;
    let login = match (input, arguments.start, arguments.device) {
        (Input::Password(password), ..) => {
            password::log_in(arguments, app, account, password).await?
        }
        (Input::Answer(answer), ..) => steps::finish(answer, accounts, account).await?,
        (Input::DeviceFlow(flow), ..) => device::finish(flow, accounts, account).await?,
        (Input::None, true, true) => {
            device::start(arguments, account).await?;
            return Ok(None);
        }
        (Input::None, true, false) => {
            steps::start(arguments, accounts, account)?;
            return Ok(None);
        }
        (Input::None, false, true) => device::log_in(arguments, account).await?,
        (Input::None, false, false) => browser::log_in(arguments, accounts, account).await?,
    };
    Ok(Some(login))
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
