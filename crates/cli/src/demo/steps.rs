//! The steps. Here callers get what they should; the counts are checked elsewhere.

use std::{future::ready, pin::pin, sync::Arc};

use http::{HeaderMap, HeaderValue, StatusCode};
use tokenkeeper::{Cause, Confirmation, Error, protocol::Redirect};
use tokenkeeper_emulator::{DEFAULT_USER, Endpoint, Fault};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    expectation::{Expectation, LATE, REVOKED_CALLS, STORM, Step},
    front::{Client, SOCKETS},
    setup::Setup,
};
use crate::BoxError;

type Result<T = ()> = std::result::Result<T, BoxError>;

pub(crate) async fn run(setup: &mut Setup, expectation: &Expectation) -> Result {
    match expectation.step {
        Step::Authorize => authorize(setup).await,
        Step::Exchange => exchange(setup).await,
        Step::Call => call(setup).await,
        Step::Expire => expire(setup).await,
        Step::Storm => storm(setup).await,
        Step::LateRejections => late_rejections(setup).await,
        Step::CancelledCaller => cancelled_caller(setup).await,
        Step::LostAnswer => lost_answer(setup).await,
        Step::Reconnect => reconnect(setup).await,
        Step::UserRevokes => user_revokes(setup).await,
        Step::Revoke => revoke(setup).await,
    }
}

async fn authorize(setup: &mut Setup) -> Result {
    let start = setup.account.connect()?;
    // The emulator takes `approve=1` for the user's click.
    let page = format!("{}&approve=1", start.url);
    let answer = setup.browse(&page, HeaderMap::new()).await?;
    let location = answer
        .headers()
        .get("location")
        .ok_or("the authorization page does not redirect")?;
    let redirect = Redirect::from_url(location.to_str()?)?;
    setup.callback = Some((start.flow, redirect));
    Ok(())
}

async fn exchange(setup: &mut Setup) -> Result {
    let (flow, redirect) = setup.callback.take().ok_or("no login is in progress")?;
    // The person has just clicked at the provider's page, which may return no state.
    let confirmation = Confirmation::ByPerson;
    let login = setup
        .accounts
        .finish_confirmed(flow, redirect, confirmation);
    login.await?;
    Ok(())
}

async fn reconnect(setup: &mut Setup) -> Result {
    authorize(setup).await?;
    exchange(setup).await
}

async fn call(setup: &Setup) -> Result {
    expect_success(setup.client.get(&setup.api).await)
}

async fn expire(setup: &Setup) -> Result {
    setup.expire();
    call(setup).await
}

async fn storm(setup: &Setup) -> Result {
    setup.expire();
    let gate = setup.emulator.faults().hold(Endpoint::Token);
    let calls = start_calls(setup, STORM).await?;
    gate.arrived(1).await;
    gate.release();
    expect_all_successful(calls).await
}

async fn late_rejections(setup: &Setup) -> Result {
    let faults = setup.emulator.faults();
    let (api, token) = (faults.hold(Endpoint::Api), faults.hold(Endpoint::Token));
    // All calls carry the same token; those that wait for a socket reach the API later.
    let calls = start_calls(setup, LATE).await?;
    api.arrived(SOCKETS).await;
    setup.emulator.expire_access_tokens();
    // The first call is rejected and starts a refresh …
    api.let_through(1);
    token.arrived(1).await;
    let (refreshed, ()) = tokio::join!(setup.account.refresh(), async { token.release() });
    refreshed?;
    // … which completes before the others are rejected.
    api.release();
    expect_all_successful(calls).await
}

/// Starts `count` calls, each of which has asked for its token when this returns.
async fn start_calls(setup: &Setup, count: u64) -> Result<JoinSet<Result<StatusCode>>> {
    let asked = Arc::new(Semaphore::new(0));
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let (client, api, asked) = (setup.client.clone(), setup.api.clone(), asked.clone());
        calls.spawn(async move {
            let mut call = pin!(client.get(&api));
            // One poll, as far as the call gets without waiting.
            tokio::select! {
                biased;
                answer = &mut call => return answer,
                () = ready(()) => asked.add_permits(1),
            }
            call.await
        });
    }
    let _all = asked.acquire_many(u32::try_from(count)?).await?;
    Ok(calls)
}

async fn cancelled_caller(setup: &Setup) -> Result {
    setup.expire();
    let gate = setup.emulator.faults().hold(Endpoint::Token);
    let (client, api) = (setup.client.clone(), setup.api.clone());
    let caller = tokio::spawn(async move { client.get(&api).await });
    gate.arrived(1).await;
    caller.abort();
    if !caller.await.is_err_and(|error| error.is_cancelled()) {
        return Err("the caller was not cancelled".into());
    }
    gate.release();
    // The new token is in the store: an engine that has not seen the refresh finds it there.
    let (accounts, client) = setup.another_engine()?;
    expect_success(client.get(&setup.api).await)?;
    accounts.shutdown(super::STEP_TIMEOUT).await?;
    Ok(())
}

async fn lost_answer(setup: &Setup) -> Result {
    setup.expire();
    setup
        .emulator
        .faults()
        .once(Endpoint::Token, Fault::CutBeforeAnswer);
    match reauthorization_cause(&setup.client, &setup.api).await? {
        Cause::ResponseLost => Ok(()),
        cause => Err(format!("unexpected cause: {cause}").into()),
    }
}

async fn user_revokes(setup: &Setup) -> Result {
    if setup.emulator.revoke_user(DEFAULT_USER) == 0 {
        return Err("the user had no access to revoke".into());
    }
    for _ in 0..REVOKED_CALLS {
        match reauthorization_cause(&setup.client, &setup.api).await? {
            Cause::Refused(_) => {}
            cause => return Err(format!("unexpected cause: {cause}").into()),
        }
    }
    Ok(())
}

async fn revoke(setup: &Setup) -> Result {
    let token = setup.account.token().await?;
    setup.account.disconnect().await?;
    check_revocations(setup, token.expose())?;

    let headers = HeaderMap::from_iter([(
        "x-access-token".parse()?,
        HeaderValue::from_str(token.expose())?,
    )]);
    let status = setup.browse(&setup.api, headers).await?.status();
    if status != StatusCode::UNAUTHORIZED {
        return Err(format!("the API responded {status} to the revoked access token").into());
    }
    match error_of(setup.client.get(&setup.api).await)? {
        Error::Disconnected { .. } => Ok(()),
        error => Err(error.into()),
    }
}

/// Checks that the revocations carried one token each in `x-token`, the access token first, and no
/// other value.
fn check_revocations(setup: &Setup, access_token: &str) -> Result {
    let path = setup
        .emulator
        .url(Endpoint::Revoke)
        .ok_or("no revocation endpoint")?;
    let path = path.strip_prefix(setup.emulator.base()).unwrap_or_default();
    let requests = setup.emulator.recorded_requests();
    let mut revocations = requests
        .iter()
        .filter(|request| request.uri().path() == path);
    let first = revocations
        .clone()
        .next()
        .and_then(|request| request.headers().get("x-token"));
    if first.is_none_or(|token| token != access_token) {
        return Err("the access token was not revoked first".into());
    }
    let plain = [
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "host",
        "user-agent",
        "x-token",
    ];
    let only = revocations.all(|request| {
        let mut names = request.headers().keys();
        names.all(|name| plain.contains(&name.as_str()))
            && request.headers().contains_key("x-token")
            && request.uri().query().is_none()
            && request.body().is_empty()
    });
    if only {
        Ok(())
    } else {
        Err("a revocation carried more than its token".into())
    }
}

async fn expect_all_successful(mut calls: JoinSet<Result<StatusCode>>) -> Result {
    while let Some(answer) = calls.join_next().await {
        expect_success(answer?)?;
    }
    Ok(())
}

fn expect_success(answer: Result<StatusCode>) -> Result {
    match answer? {
        status if status.is_success() => Ok(()),
        status => Err(format!("a call got {status}").into()),
    }
}

/// Makes a call that must fail because a new login is required, and returns the cause.
async fn reauthorization_cause(client: &Client, api: &str) -> Result<Cause> {
    match error_of(client.get(api).await)? {
        Error::ReauthorizationRequired { cause, .. } => Ok(cause),
        error => Err(error.into()),
    }
}

/// Finds our error in the client's.
fn error_of(answer: Result<StatusCode>) -> Result<Error> {
    match answer {
        Ok(status) => Err(format!("a call got {status}").into()),
        Err(error) => Error::find(&*error).cloned().ok_or(error),
    }
}
