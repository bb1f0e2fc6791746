//! A login in two calls, for a program without a terminal.

use std::{
    io::{self, Read as _},
    process::ExitCode,
};

use serde::Deserialize;
use serde_json::json;
use tokenkeeper::{Account, Accounts, Confirmation, Flow, Login, protocol::Redirect};

use super::Arguments;
use crate::{BoxError, exit::misconfigured, output, time};

/// The most bytes that `--finish` reads: a flow and a URL are far shorter.
const MAX_INPUT: u64 = 256 * 1024;

/// What `--finish` reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finish {
    flow: Flow,
    /// The address at which the browser ends.
    answer: String,
    /// Whether the person has confirmed an answer without a state.
    #[serde(default)]
    confirmed: bool,
}

/// Prints the URL and the sealed flow.
pub(super) fn start(
    arguments: &Arguments,
    accounts: &Accounts,
    account: &Account,
) -> Result<ExitCode, BoxError> {
    let mut options = arguments.options();
    if let Some(port) = arguments.port {
        options = options.redirect_port(port);
    }
    let redirect = account.connect_with(&options)?;
    let info = accounts.flow(&redirect.flow)?;
    output::json(&json!({
        "url": redirect.url,
        "flow": redirect.flow,
        "redirect_uri": info.redirect_uri,
        "expires_at": time::rfc3339(info.expires_at),
    }))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads the flow and the answer from stdin.
pub(super) async fn finish(accounts: &Accounts, account: &Account) -> Result<Login, BoxError> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(MAX_INPUT)
        .read_to_string(&mut text)?;
    let finish: Finish = serde_json::from_str(&text).map_err(|error| {
        let problem = format!("stdin is not {{\"flow\": …, \"answer\": …}}: {error}");
        misconfigured(problem)
    })?;
    let info = accounts.flow(&finish.flow)?;
    if info.account != *account {
        return Err(misconfigured("the flow belongs to the login of another account").into());
    }
    let answer = Redirect::from_url(&finish.answer)?;
    if finish.confirmed {
        let by = Confirmation::ByPerson;
        return Ok(accounts.finish_confirmed(finish.flow, answer, by).await?);
    }
    Ok(accounts.finish(finish.flow, answer).await?)
}
