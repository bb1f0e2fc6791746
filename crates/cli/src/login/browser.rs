//! A login by a browser, on this machine or by a pasted address.

use std::io::{self, IsTerminal as _};

use tokenkeeper::{
    Account, Accounts, Confirmation, ConnectOptions, Error, Login, LoginRedirect,
    login::{Error as LoginError, LoopbackLogin, Port, StartedLogin},
    protocol::{Redirect, RedirectError, Url},
};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};

use super::Arguments;
use crate::{BoxError, exit::misconfigured, output, progress};

/// Logs in: the answer comes to loopback, or as an address that a person pastes.
pub(super) async fn log_in(
    arguments: &Arguments,
    accounts: &Accounts,
    account: &Account,
) -> Result<Login, BoxError> {
    let can_paste = io::stdin().is_terminal();
    let mut login = LoopbackLogin::new(account).options(arguments.options());
    login = login.port(match arguments.port {
        Some(port) => Port::Number(port),
        None => port_of(accounts, account, &arguments.options())?,
    });
    let (opens, says_paste) = (!arguments.no_browser, can_paste);
    login = login
        .show(move |url| show(url, opens, says_paste))
        .open_browser(opens);
    match login.start().await {
        Ok(started) if can_paste => wait(accounts, started).await,
        Ok(started) => Ok(progress::show("waiting for the browser", started.finish()).await?),
        Err(LoginError::NotLoopback { .. }) if can_paste => {
            let redirect = account.connect_with(&arguments.options())?;
            show(&redirect.url, false, true);
            pasted(accounts, &redirect).await
        }
        Err(LoginError::NotLoopback { origin }) => Err(misconfigured(format!(
            "the redirect URI is at {origin}, and there is no terminal to paste the answer into: \
             log in by two calls, `--start` and `--finish`, or register `http://127.0.0.1/callback`"
        ))
        .into()),
        Err(error) => Err(error.into()),
    }
}

/// Returns the port to listen at: that of the redirect URI, if it has one.
pub(crate) fn port_of(
    accounts: &Accounts,
    account: &Account,
    options: &ConnectOptions,
) -> Result<Port, BoxError> {
    let unused = account.connect_with(options)?;
    let registered = accounts.flow(&unused.flow)?.redirect_uri;
    Ok(match registered.port() {
        Some(_) => Port::Registered,
        None => Port::Any,
    })
}

fn show(url: &Url, opens: bool, can_paste: bool) {
    let what = if opens {
        "Your browser opens this page. If it does not, open it yourself:"
    } else {
        "Open this page in a browser:"
    };
    output::note(&format!("{what}\n\n    {url}\n"));
    if can_paste {
        output::note(
            "If the browser is on another machine, paste the address at which it ends here:",
        );
    }
}

/// Waits for the answer on loopback, or for a pasted one.
async fn wait(accounts: &Accounts, started: StartedLogin) -> Result<Login, BoxError> {
    let flow = started.flow().clone();
    let mut lines = lines();
    let arrived = started.finish();
    tokio::pin!(arrived);
    loop {
        let line = tokio::select! {
            login = &mut arrived => return Ok(login?),
            line = lines.next_line() => line?,
        };
        match line {
            // The terminal is closed, and the browser may still answer.
            None => return Ok(arrived.await?),
            Some(line) => {
                if let Some(login) = finish(accounts, &flow, &line, &mut lines).await? {
                    return Ok(login);
                }
            }
        }
    }
}

/// Waits for a pasted answer alone.
async fn pasted(accounts: &Accounts, redirect: &LoginRedirect) -> Result<Login, BoxError> {
    let mut lines = lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(login) = finish(accounts, &redirect.flow, &line, &mut lines).await? {
            return Ok(login);
        }
    }
    Err(misconfigured("no address was pasted: start the login again").into())
}

/// Finishes the login with a pasted address, or says why it is not one.
async fn finish(
    accounts: &Accounts,
    flow: &tokenkeeper::Flow,
    line: &str,
    lines: &mut Lines<BufReader<Stdin>>,
) -> Result<Option<Login>, BoxError> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    let answer = match Redirect::from_url(line) {
        Ok(answer) => answer,
        Err(error) => {
            output::note(&format!("That is no such address: {error}."));
            return Ok(None);
        }
    };
    let exchanged = accounts.finish(flow.clone(), answer.clone());
    let mut finished = progress::show("connecting", exchanged).await;
    if let Err(Error::ConfirmationRequired { .. }) = finished {
        let account = accounts.flow(flow)?.account;
        if !confirm(&account, lines).await? {
            return Err(LoginError::NotConfirmed.into());
        }
        let confirmation = Confirmation::ByPerson;
        let confirmed = accounts.finish_confirmed(flow.clone(), answer, confirmation);
        finished = progress::show("connecting", confirmed).await;
    }
    match finished {
        Ok(login) => Ok(Some(login)),
        // A mistake in pasting must not end the login.
        Err(Error::Redirect(error)) if !matches!(*error, RedirectError::Denied { .. }) => {
            output::note(&format!("That is not this login's answer: {error}."));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks whether an answer without a state is the person's own.
async fn confirm(account: &Account, lines: &mut Lines<BufReader<Stdin>>) -> Result<bool, BoxError> {
    output::note(&format!(
        "This address does not show that it belongs to your login. Connect your account at {} \
         ({})? Type \"yes\" if it comes from your own browser, where you have just allowed this \
         access:",
        account.provider(),
        account.site(),
    ));
    let answer = lines.next_line().await?;
    Ok(answer.is_some_and(|answer| answer.trim().eq_ignore_ascii_case("yes")))
}

fn lines() -> Lines<BufReader<Stdin>> {
    BufReader::new(tokio::io::stdin()).lines()
}
