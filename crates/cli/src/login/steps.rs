//! A login in two calls, for a program without a terminal.

use std::io::{self, Read as _};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use tokenkeeper::{Account, Accounts, Confirmation, Flow, Login, protocol::Redirect};

use super::Arguments;
use crate::{
    BoxError,
    exit::{Exited, misconfigured},
    output, progress, time,
};

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
) -> Result<(), BoxError> {
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
    }))
}

/// Reads the flow and the answer from stdin.
pub(super) async fn finish(accounts: &Accounts, account: &Account) -> Result<Login, BoxError> {
    let finish: Finish = read(r#"{"flow": …, "answer": …}"#)?;
    check_account(&accounts.flow(&finish.flow)?.account, account)?;
    let answer = Redirect::from_url(&finish.answer)?;
    let finished = async {
        if finish.confirmed {
            let by = Confirmation::ByPerson;
            return accounts.finish_confirmed(finish.flow, answer, by).await;
        }
        accounts.finish(finish.flow, answer).await
    };
    Ok(progress::show("connecting", finished).await?)
}

/// Reads an object of this form from stdin. No error shows what was read.
pub(super) fn read<T: DeserializeOwned>(form: &str) -> Result<T, BoxError> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(MAX_INPUT)
        .read_to_string(&mut text)?;
    let read = serde_json::from_str(&text);
    Ok(read.map_err(|error| misconfigured(format!("stdin is not {form}: {error}")))?)
}

/// Refuses a flow of another account than the one that is named.
pub(super) fn check_account(of_flow: &Account, named: &Account) -> Result<(), Exited> {
    if of_flow == named {
        return Ok(());
    }
    Err(misconfigured(
        "the flow belongs to the login of another account",
    ))
}
