//! Finishing a login with the parameters of the redirect.

use std::{fmt, time::SystemTime};

use tokenkeeper_protocol::{
    CodeVerifier, ExpectedRedirect, Provider, Redirect, ResponseMode, State, StateEcho, Url,
};

use super::confirmation::{Confirmation, Proof};
use crate::{
    account::Account,
    clock::system_time,
    engine::{auditing, change},
    error::{Error, FlowError},
    exchange::{Exchange, LoginCode},
    flow::{FlowContents, UrlWithoutQuery},
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
    /// Whether the redirect returns the `state`. If it may not, bind the flow to the browser by a
    /// cookie, and let the person [confirm](crate::Confirmation) what a redirect without one does.
    pub state_echo: StateEcho,
    /// What [`ConnectOptions::note`](crate::ConnectOptions::note) sealed with this flow.
    pub note: Option<String>,
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

/// Exchanges the code of a redirect and writes the tokens. If another call has done so or is doing
/// it, in this process or another one, returns its result.
pub(super) async fn finish(
    account: &Account,
    flow: &FlowContents,
    redirect: &Redirect,
    confirmation: Option<Confirmation>,
) -> Result<(), Error> {
    let (core, entry) = account.parts();
    let state = State::new(flow.state.as_str());
    let expected = ExpectedRedirect { state: &state };
    let response = entry.site.provider.read_redirect(redirect, &expected);
    let response = response.map_err(Error::from).and_then(|response| {
        let proof = Proof::new(response.state_returned, confirmation);
        proof.check(account)?;
        Ok((response, proof))
    });
    let (response, proof) = response.inspect_err(|error| {
        // A login that a person must confirm has not failed yet.
        if !matches!(error, Error::ConfirmationRequired { .. }) {
            auditing::record_refused_callback(core, Some(entry), error);
        }
    })?;
    // The provider knows no challenge for a code that no browser was sent for.
    let verifier = flow.verifier.as_deref();
    let verifier = verifier.filter(|_| confirmation != Some(Confirmation::OwnRequest));
    let exchange = Exchange {
        code: LoginCode::Authorization(response.code, verifier.map(CodeVerifier::new)),
        redirect: response.extra,
        redirect_uri: flow.redirect_uri.clone(),
        scope: flow.scope.clone(),
    };
    change::login(core, entry, exchange, flow.identity()).await?;
    proof.learn(account);
    Ok(())
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
        note: flow.note.clone(),
        id: format!("{:032x}", u128::from_be_bytes(flow.id.0)),
    })
}
