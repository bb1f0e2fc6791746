//! Finishing a login with the parameters of the redirect.

use std::{fmt, time::SystemTime};

use tokenkeeper_protocol::{
    CodeVerifier, ExpectedRedirect, Provider, Redirect, RedirectError, ResponseMode, State,
    StateEcho, Url,
};

use crate::{
    account::Account,
    clock::system_time,
    engine::{Core, change},
    error::{Error, ExchangeError, FlowError},
    exchange::Exchange,
    flow::{Flow, FlowContents, UrlWithoutQuery, open},
};

/// The public part of a flow: its account, and where and how its callback must arrive.
///
/// `Debug` omits the redirect URI's query, which may hold the `state`.
#[derive(Clone)]
#[non_exhaustive]
pub struct FlowInfo {
    /// The account that is being connected.
    pub account: Account,
    /// The redirect URI of this flow. Refuse a callback that arrives elsewhere (RFC 9700 §4.4).
    pub redirect_uri: Url,
    /// The id of the flow, which is not secret.
    pub id: String,
    /// The time until which the login can be finished.
    pub expires_at: SystemTime,
    /// The part of the redirect that carries the code. A browser never sends a fragment to a
    /// server.
    pub response_mode: ResponseMode,
    /// Whether the redirect returns the `state`. If it may not, bind the flow to the browser by
    /// other means.
    pub state_echo: StateEcho,
}

impl fmt::Debug for FlowInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowInfo")
            .field("account", &self.account)
            .field("redirect_uri", &UrlWithoutQuery(&self.redirect_uri))
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Opens a flow that this process has not finished yet.
pub(super) fn open_unused(core: &Core, flow: &Flow) -> Result<FlowContents, Error> {
    let contents = open(&core.flow_key, flow, core.time.wall())?;
    if core.used_flows.contains(&contents.id) {
        return Err(FlowError::Used.into());
    }
    Ok(contents)
}

/// Exchanges the code of a redirect and writes the tokens. A code is never sent twice.
pub(super) async fn finish(
    account: &Account,
    flow: &FlowContents,
    redirect: &Redirect,
) -> Result<(), Error> {
    let (core, entry) = account.parts();
    let state = State::new(flow.state.as_str());
    let expected = ExpectedRedirect { state: &state };
    let callback = entry.site.provider.read_redirect(redirect, &expected);
    // A code and a denial end the flow. Any other redirect may be forged, so it does not.
    if matches!(&callback, Ok(_) | Err(RedirectError::Denied { .. }))
        && !core
            .used_flows
            .mark(&flow.id, flow.expires, core.time.wall())
    {
        return Err(FlowError::Used.into());
    }
    let exchange = Exchange {
        code: callback?.code,
        verifier: flow.verifier.as_deref().map(CodeVerifier::new),
        redirect_uri: flow.redirect_uri.clone(),
        scope: flow.scope.clone(),
    };
    let result = change::login(core, entry, exchange).await;
    if result.as_ref().is_err_and(is_unsent) {
        core.used_flows.unmark(&flow.id);
    }
    result
}

/// Describes a flow to the application.
pub(super) fn info(account: Account, flow: &FlowContents) -> Result<FlowInfo, Error> {
    let redirect_uri = Url::parse(&flow.redirect_uri).map_err(|_| FlowError::NotOurs)?;
    let (_, entry) = account.parts();
    let dialect = entry.site.provider.client().dialect();
    Ok(FlowInfo {
        response_mode: dialect.response_mode(),
        state_echo: dialect.state_echo(),
        account,
        redirect_uri,
        expires_at: system_time(flow.expires),
        id: flow.id.clone(),
    })
}

/// Returns whether the code was not sent, so the flow can be used again.
fn is_unsent(error: &Error) -> bool {
    matches!(
        error,
        Error::Store { .. }
            | Error::Record { .. }
            | Error::StoreTooSlow { .. }
            | Error::RevocationPending { .. }
            | Error::Exchange {
                source: ExchangeError::TooLate | ExchangeError::Request(_),
                ..
            }
            | Error::ShutDown
            | Error::NoRuntime
    )
}
