//! The public face: auto traits, and types that a program can name.

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use tokenkeeper::{
    Account, Accounts, AccountsBuilder, Advice, ConnectOptions, Error, Event, EventKind, Flow,
    FlowKey, LoginRedirect, MemoryStore, Options, Refresher, Status, Token, Unwritten,
    source::{Credential, TokenSource},
    tower::{Replay, TokenFuture, TokenLayer, TokenService},
    transport::Transport,
};

fn shared<T: Send + Sync + Unpin + 'static>() {}

#[test]
fn what_applications_hold_is_send_and_sync() {
    shared::<Account>();
    shared::<Accounts>();
    shared::<AccountsBuilder>();
    shared::<Advice>();
    shared::<ConnectOptions>();
    shared::<Credential>();
    shared::<Error>();
    shared::<Event>();
    shared::<EventKind>();
    shared::<Flow>();
    shared::<FlowKey>();
    shared::<LoginRedirect>();
    shared::<MemoryStore>();
    shared::<Options>();
    shared::<Refresher>();
    shared::<Status>();
    shared::<Token>();
    shared::<Unwritten>();
    shared::<TokenLayer>();
    shared::<tokenkeeper::reqwest::TokenMiddleware>();
    shared::<tokenkeeper::redis::RedisStore>();
    shared::<tokenkeeper::sqlite::SqliteStore>();
    shared::<std::sync::Arc<dyn TokenSource>>();
    shared::<std::sync::Arc<dyn Transport>>();
    shared::<std::sync::Arc<dyn tokenkeeper::store::TokenStore>>();
}

type Http = Client<HttpConnector, Replay<Full<Bytes>>>;

/// Everything that a program keeps has a name without closures.
#[allow(dead_code, reason = "naming the types is the test")]
struct Named {
    accounts: Accounts,
    service: TokenService<Http>,
    future: TokenFuture<Http, Full<Bytes>>,
    client: reqwest_middleware::ClientWithMiddleware,
}

#[test]
fn futures_of_the_facade_are_send() {
    fn send<T: Send>(_: impl FnOnce(Account, Accounts, Flow) -> T) {}
    send(|account, _, _| async move { account.token().await });
    send(|account, _, _| async move { account.refresh().await });
    send(|account, _, _| async move { account.status().await });
    send(|account, _, _| async move { account.disconnect().await });
    send(|_, accounts, _| async move { accounts.shutdown(std::time::Duration::ZERO).await });
    send(|_, accounts, flow| async move {
        let redirect = tokenkeeper::protocol::Redirect::query("");
        accounts.finish(flow, redirect).await
    });
}
