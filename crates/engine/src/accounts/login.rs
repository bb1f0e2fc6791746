//! Finishing a login with what the redirect brought.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokenkeeper_protocol::{
    Channel, CodeVerifier, ExpectedRedirect, Provider, Redirect, RedirectError, State, StateEcho,
    Url,
};

use crate::{
    account::Account,
    engine::{Core, change},
    error::{Error, ExchangeError, FlowError},
    exchange::Exchange,
    flow::{Bare, Flow, Opened, open},
};

/// Whose login a flow is, and where its callback must arrive. `Debug` leaves out the redirect URI's
/// parameters: the state may be among them.
#[derive(Clone)]
#[non_exhaustive]
pub struct FlowInfo {
    /// Whose login it is.
    pub account: Account,
    /// The redirect URI of this flow; a callback that arrives elsewhere is not its answer (RFC
    /// 9700 §4.4).
    pub redirect_uri: Url,
    /// A name of the flow that is no secret.
    pub id: String,
    /// Until when the login can be finished.
    pub expires_at: SystemTime,
    /// Where in the redirect the code comes: a fragment never reaches a server by itself.
    pub channel: Channel,
    /// Whether the redirect brings the state back; where it may not, the flow must be bound to the
    /// browser by other means.
    pub state_echo: StateEcho,
}

impl fmt::Debug for FlowInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowInfo")
            .field("account", &self.account)
            .field("redirect_uri", &Bare(&self.redirect_uri))
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Opens a flow of ours that was not finished.
pub(super) fn opened(core: &Core, flow: &Flow) -> Result<Opened, Error> {
    let opened = open(&core.flow_key, flow, core.time.wall())?;
    if core.used_flows.contains(&opened.id) {
        return Err(FlowError::Used.into());
    }
    Ok(opened)
}

/// Exchanges the code of a redirect, once, and writes the tokens.
pub(super) async fn finish(
    account: &Account,
    opened: &Opened,
    redirect: &Redirect,
) -> Result<(), Error> {
    let (core, entry) = account.parts();
    let state = State::new(opened.state.as_str());
    let expected = ExpectedRedirect { state: &state };
    let callback = entry.site.provider.read_redirect(redirect, &expected);
    // A denial ends the flow as a code does; anything else may be another person's doing.
    if matches!(&callback, Ok(_) | Err(RedirectError::Denied { .. }))
        && !core
            .used_flows
            .mark(&opened.id, opened.expires, core.time.wall())
    {
        return Err(FlowError::Used.into());
    }
    let exchange = Exchange {
        code: callback?.code,
        verifier: opened.verifier.as_deref().map(CodeVerifier::new),
        redirect_uri: opened.redirect_uri.clone(),
        scope: opened.scope.clone(),
    };
    let result = change::login(core, entry, exchange).await;
    if result.as_ref().is_err_and(nothing_was_sent) {
        core.used_flows.unmark(&opened.id);
    }
    result
}

/// Whose login a flow is.
pub(super) fn info(account: Account, opened: &Opened) -> Result<FlowInfo, Error> {
    let redirect_uri = Url::parse(&opened.redirect_uri).map_err(|_| FlowError::NotOurs)?;
    let (_, entry) = account.parts();
    let dialect = entry.site.provider.client().dialect();
    Ok(FlowInfo {
        channel: dialect.redirect_channel(),
        state_echo: dialect.state_echo(),
        account,
        redirect_uri,
        expires_at: UNIX_EPOCH + Duration::from_millis(opened.expires),
        id: opened.id.clone(),
    })
}

/// The code has not left, so the flow is still good.
fn nothing_was_sent(error: &Error) -> bool {
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
