//! What happens in each step. The counts are judged elsewhere; here it is seen that callers get what they should.

use std::{future::ready, pin::pin, sync::Arc};

use http::{HeaderMap, HeaderValue, StatusCode};
use tokenkeeper::{Cause, Error, protocol::Redirect};
use tokenkeeper_emulator::{DEFAULT_USER, Endpoint, Fault};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    front::{Client, SOCKETS},
    promise::{IN_VAIN, LATE, Promise, STORM, Step},
    stage::Stage,
};
use crate::BoxError;

type Result<T = ()> = std::result::Result<T, BoxError>;

pub(crate) async fn play(stage: &mut Stage, promise: &Promise) -> Result {
    match promise.step {
        Step::Authorize => authorize(stage).await,
        Step::Exchange => exchange(stage).await,
        Step::Call => call(stage).await,
        Step::Expire => expire(stage).await,
        Step::Storm => storm(stage).await,
        Step::LateRejections => late_rejections(stage).await,
        Step::CancelledCaller => cancelled_caller(stage).await,
        Step::LostAnswer => lost_answer(stage).await,
        Step::Reconnect => reconnect(stage).await,
        Step::UserRevokes => user_revokes(stage).await,
        Step::Revoke => revoke(stage).await,
    }
}

async fn authorize(stage: &mut Stage) -> Result {
    let start = stage.account.connect()?;
    // A person would click; the emulator takes `approve=1` for the click.
    let page = format!("{}&approve=1", start.url);
    let answer = stage.browse(&page, HeaderMap::new()).await?;
    let location = answer
        .headers()
        .get("location")
        .ok_or("the authorization page does not redirect")?;
    let location = location.to_str()?;
    let redirect = match (location.split_once('#'), location.split_once('?')) {
        (Some((_, fragment)), _) => Redirect::fragment(fragment),
        (None, Some((_, query))) => Redirect::query(query),
        (None, None) => return Err("the redirect brings nothing".into()),
    };
    stage.callback = Some((start.flow, redirect));
    Ok(())
}

async fn exchange(stage: &mut Stage) -> Result {
    let (flow, redirect) = stage.callback.take().ok_or("nobody has approved")?;
    stage.accounts.finish(flow, redirect).await?;
    Ok(())
}

async fn reconnect(stage: &mut Stage) -> Result {
    authorize(stage).await?;
    exchange(stage).await
}

async fn call(stage: &Stage) -> Result {
    served(stage.client.get(&stage.api).await)
}

async fn expire(stage: &Stage) -> Result {
    stage.expire();
    call(stage).await
}

async fn storm(stage: &Stage) -> Result {
    stage.expire();
    let gate = stage.emulator.faults().hold(Endpoint::Token);
    let calls = calls_under_way(stage, STORM).await?;
    gate.arrived(1).await;
    gate.release();
    all_served(calls).await
}

async fn late_rejections(stage: &Stage) -> Result {
    let faults = stage.emulator.faults();
    let (api, token) = (faults.hold(Endpoint::Api), faults.hold(Endpoint::Token));
    // All leave with the same token; those without a socket yet get to the API later still.
    let calls = calls_under_way(stage, LATE).await?;
    api.arrived(SOCKETS).await;
    stage.emulator.expire_access_tokens();
    // The first one is rejected, and leads to a refresh …
    api.let_through(1);
    token.arrived(1).await;
    let (refreshed, ()) = tokio::join!(stage.account.refresh(), async { token.release() });
    refreshed?;
    // … which is done with before the others are rejected.
    api.release();
    all_served(calls).await
}

/// So many calls at once, each of which has asked for its token.
async fn calls_under_way(stage: &Stage, count: u64) -> Result<JoinSet<Result<StatusCode>>> {
    let asked = Arc::new(Semaphore::new(0));
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let (client, api, asked) = (stage.client.clone(), stage.api.clone(), asked.clone());
        calls.spawn(async move {
            let mut call = pin!(client.get(&api));
            // As far as it gets without waiting.
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

async fn cancelled_caller(stage: &Stage) -> Result {
    stage.expire();
    let gate = stage.emulator.faults().hold(Endpoint::Token);
    let (client, api) = (stage.client.clone(), stage.api.clone());
    let caller = tokio::spawn(async move { client.get(&api).await });
    gate.arrived(1).await;
    caller.abort();
    if !caller.await.is_err_and(|error| error.is_cancelled()) {
        return Err("the caller was not cancelled".into());
    }
    gate.release();
    // The new token is in the store: an engine that has seen nothing of this finds it there.
    let (accounts, client) = stage.another_engine()?;
    served(client.get(&stage.api).await)?;
    accounts.shutdown(super::PATIENCE).await?;
    Ok(())
}

async fn lost_answer(stage: &Stage) -> Result {
    stage.expire();
    stage
        .emulator
        .faults()
        .once(Endpoint::Token, Fault::CutBeforeAnswer);
    match refused(&stage.client, &stage.api).await? {
        Cause::ResponseLost => Ok(()),
        cause => Err(format!("the cause is said to be: {cause}").into()),
    }
}

async fn user_revokes(stage: &Stage) -> Result {
    if stage.emulator.revoke_user(DEFAULT_USER) == 0 {
        return Err("there was nothing to take back".into());
    }
    for _ in 0..IN_VAIN {
        match refused(&stage.client, &stage.api).await? {
            Cause::Refused(_) => {}
            cause => return Err(format!("the cause is said to be: {cause}").into()),
        }
    }
    Ok(())
}

async fn revoke(stage: &Stage) -> Result {
    let token = stage.account.token().await?;
    stage.account.disconnect().await?;
    only_the_token(stage, token.expose())?;

    let headers = HeaderMap::from_iter([(
        "x-access-token".parse()?,
        HeaderValue::from_str(token.expose())?,
    )]);
    let status = stage.browse(&stage.api, headers).await?.status();
    if status != StatusCode::UNAUTHORIZED {
        return Err(format!("the revoked access token got {status}").into());
    }
    match error_of(stage.client.get(&stage.api).await)? {
        Error::Disconnected { .. } => Ok(()),
        error => Err(error.into()),
    }
}

/// The revocations carried a token in `x-token`, the access token first, and nothing else that tells anything.
fn only_the_token(stage: &Stage, access_token: &str) -> Result {
    let path = stage
        .emulator
        .url(Endpoint::Revoke)
        .ok_or("no revocation endpoint")?;
    let path = path.strip_prefix(stage.emulator.base()).unwrap_or_default();
    let requests = stage.emulator.recorded_requests();
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
    let plain = ["accept", "content-length", "host", "x-token"];
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

async fn all_served(mut calls: JoinSet<Result<StatusCode>>) -> Result {
    while let Some(answer) = calls.join_next().await {
        served(answer?)?;
    }
    Ok(())
}

fn served(answer: Result<StatusCode>) -> Result {
    match answer? {
        status if status.is_success() => Ok(()),
        status => Err(format!("a call was answered with {status}").into()),
    }
}

/// A call that must tell its caller that only a new login helps, and why.
async fn refused(client: &Client, api: &str) -> Result<Cause> {
    match error_of(client.get(api).await)? {
        Error::ReauthorizationRequired { cause, .. } => Ok(cause),
        error => Err(error.into()),
    }
}

/// Our error, found through whatever the client wraps it in.
fn error_of(answer: Result<StatusCode>) -> Result<Error> {
    match answer {
        Ok(status) => Err(format!("a call was answered with {status}").into()),
        Err(error) => Error::find(&*error).cloned().ok_or(error),
    }
}
