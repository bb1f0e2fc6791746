//! What applications, browsers and API clients do.

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use http::Request;
use tokenkeeper_emulator::{Emulator, Endpoint, Gate};
use tokenkeeper_engine::{
    Account, Accounts, Cause, Confirmation, Connection, Credential, Error, Event, EventKind,
    Status, Token, TokenSource,
    protocol::{Redirect, TokenSet},
};
use tokio::task::JoinHandle;

use crate::World;

/// Returns the credential for a request that can be replayed.
pub async fn credential(account: &Account) -> Credential {
    TokenSource::credential(account, true).await.unwrap()
}

/// Asks for a token in a task.
pub fn spawn_token(account: &Account) -> JoinHandle<Result<Token, Error>> {
    let account = account.clone();
    tokio::spawn(async move { account.token().await })
}

/// Asks for a refresh in a task.
pub fn spawn_refresh(account: &Account) -> JoinHandle<Result<Token, Error>> {
    let account = account.clone();
    tokio::spawn(async move { account.refresh().await })
}

/// Releases a held token request once all tasks wait for it, and returns their results.
pub async fn join_after_release<T>(gate: Gate, tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    gate.arrived(1).await;
    settle().await;
    gate.release();
    let results = futures_util::future::join_all(tasks).await;
    results.into_iter().map(Result::unwrap).collect()
}

/// Disconnects an account in a task.
pub fn spawn_disconnect(account: &Account) -> JoinHandle<Result<(), Error>> {
    let account = account.clone();
    tokio::spawn(async move { account.disconnect().await })
}

/// Logs in to an account in a task.
pub fn spawn_login(world: &World, account: &Account) -> JoinHandle<Result<Account, Error>> {
    let (emulator, account) = (world.emulator.clone(), account.clone());
    tokio::spawn(async move { login(&emulator, &account).await })
}

/// Logs in as a person with a browser does: opens the URL, approves, returns to the callback and
/// confirms it where it has no state.
pub async fn login(emulator: &Emulator, account: &Account) -> Result<Account, Error> {
    let start = account.connect()?;
    let redirect = approve(emulator, start.url.as_str()).await;
    let (accounts, confirmation) = (Accounts::from(account), Confirmation::ByPerson);
    let login = accounts.finish_confirmed(start.flow, redirect, confirmation);
    Ok(login.await?.account)
}

/// Approves a login, and returns the redirect to the callback.
pub async fn approve(emulator: &Emulator, url: &str) -> Redirect {
    let location = visit(emulator, &format!("{url}&approve=1")).await;
    redirect_of(&location)
}

/// Opens a URL, and returns where it redirects.
pub async fn visit(emulator: &Emulator, url: &str) -> String {
    let request = Request::get(url).body(Bytes::new()).unwrap();
    let response = emulator.call(request).await.unwrap();
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// Parses a redirect, whose parameters are in the fragment or in the query.
pub fn redirect_of(location: &str) -> Redirect {
    match location.split_once('#') {
        Some((_, fragment)) => Redirect::fragment(fragment),
        None => Redirect::query(location.split_once('?').unwrap().1),
    }
}

/// Calls the API with a credential, and returns the status code.
pub async fn call_api_with(emulator: &Emulator, credential: &Credential) -> u16 {
    let url = emulator.url(Endpoint::Api).unwrap();
    let (mut head, body) = Request::get(url).body(Bytes::new()).unwrap().into_parts();
    credential
        .attachment()
        .apply(&mut head.uri, &mut head.headers)
        .unwrap();
    let request = Request::from_parts(head, body);
    emulator.call(request).await.unwrap().status().as_u16()
}

/// Issues tokens that the application obtained without a login through the engine.
pub fn issue_tokens(emulator: &Emulator) -> TokenSet {
    let tokens = emulator
        .issue_tokens(tokenkeeper_emulator::DEFAULT_USER)
        .unwrap();
    TokenSet::new(tokens.access_token)
        .with_refresh_token(tokens.refresh_token)
        .with_issued_at(emulator.now())
        .with_expires_at(tokens.expires_at.unwrap())
}

/// Returns the status of a connected account.
pub async fn connection(account: &Account) -> Connection {
    match account.status().await.unwrap() {
        Status::Connected(connection) => connection,
        other => panic!("{other:?}"),
    }
}

/// Returns whether the tokens of a disconnected account are still to be revoked.
pub async fn is_revocation_pending(account: &Account) -> bool {
    match account.status().await.unwrap() {
        Status::Disconnected { revocation_pending } => revocation_pending,
        other => panic!("{other:?}"),
    }
}

/// Returns why an account needs a new login.
pub fn cause(error: &Error) -> &Cause {
    match error {
        Error::ReauthorizationRequired { cause, .. } => cause,
        other => panic!("{other:?}"),
    }
}

/// Returns the pause that an error names.
pub fn retry_after(error: &Error) -> std::time::Duration {
    match error {
        Error::Unavailable { retry_after, .. } => *retry_after,
        other => panic!("{other:?}"),
    }
}

/// Returns the events so far.
pub fn drain_events(
    events: &mut (impl futures_util::Stream<Item = Event> + Unpin),
) -> Vec<EventKind> {
    let mut seen = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        seen.push(event.kind);
    }
    seen
}

/// Lets all ready tasks run.
pub async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Fails unless a result is an error that matches a pattern. Evaluates to that error.
#[macro_export]
macro_rules! assert_err {
    ($result:expr, $pattern:pat $(,)?) => {
        match $result {
            Err(error) if matches!(error, $pattern) => error,
            other => panic!("expected {}: {other:?}", stringify!($pattern)),
        }
    };
}
