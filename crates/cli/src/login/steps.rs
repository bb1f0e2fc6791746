//! A login in two calls, for a program without a terminal.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use tokenkeeper::{Account, Accounts, Confirmation, Flow, Login, protocol::Redirect};
use zeroize::Zeroizing;

use super::Arguments;
use crate::{
    BoxError,
    exit::{Exited, misconfigured},
    output, progress, secret, stdin, time,
};

/// The most bytes that `--finish` reads: a flow and a URL are far shorter.
const MAX_INPUT: usize = 256 * 1024;

/// What `--finish` reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Finish {
    flow: Flow,
    /// The address at which the browser ends, with the code in it.
    #[serde(deserialize_with = "secret::hidden")]
    answer: Zeroizing<String>,
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

impl Finish {
    /// Reads the flow and the answer from stdin.
    pub(super) async fn read() -> Result<Self, BoxError> {
        read(r#"{"flow": …, "answer": …}"#).await
    }
}

/// Finishes the login with the answer.
pub(super) async fn finish(
    finish: Finish,
    accounts: &Accounts,
    account: &Account,
) -> Result<Login, BoxError> {
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
pub(super) async fn read<T: DeserializeOwned>(form: &str) -> Result<T, BoxError> {
    let explain = |problem| misconfigured(format!("stdin {problem}")).into();
    let text = stdin::read(MAX_INPUT, explain).await?;
    let read = secret::parse_hidden(&text, "not valid");
    Ok(read.map_err(|problem| misconfigured(format!("stdin is not {form}: {problem}")))?)
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
