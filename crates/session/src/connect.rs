//! A login from the redirect to the callback. What has to survive between the two is sealed in a [`Flow`].

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use serde::{Deserialize, Serialize};
use tokenkeeper_protocol::{
    AuthorizationRequest, Channel, CodeVerifier, ExpectedRedirect, Pkce, Provider, Redirect,
    RedirectError, State, StateEcho, Url,
};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    Account, Accounts, Error, ExchangeError, FlowError,
    engine::{Core, Exchange, Slot, login},
    record::{Terms, WallMillis},
};

/// What to ask for at a login, beyond what the registration says.
#[derive(Clone, Debug, Default)]
pub struct Connect {
    /// Space-separated (RFC 6749 §3.3); `None`: the registration's.
    pub scope: Option<String>,
    /// Further parameters of the authorization request.
    pub extra: Vec<(String, String)>,
}

/// A login that was started. `Debug` leaves out the URL's parameters: the state is among them.
#[derive(Clone)]
#[non_exhaustive]
pub struct Start {
    /// Where to send the person.
    pub url: Url,
    /// To be kept for this person's browser session, and handed to [`Accounts::finish`] at the callback.
    pub flow: Flow,
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start")
            .field("url", &Bare(&self.url))
            .field("flow", &self.flow)
            .finish()
    }
}

/// A URL without its parameters.
struct Bare<'a>(&'a Url);

impl fmt::Debug for Bare<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.0.origin().ascii_serialization();
        write!(f, "{origin}{}", self.0.path())
    }
}

/// A login under way, sealed: it may be kept in a cookie, and nobody without the key can read or change it.
///
/// It is good for ten minutes ([`Options::flow`](crate::Options::flow)) and for one login. The person at the callback must be the one who
/// started it: bind it to the browser, by a cookie that is `HttpOnly`, `Secure` and `SameSite=Lax`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flow(String);

impl Flow {
    /// As text, in the alphabet of base64url.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Flow {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flow([sealed])")
    }
}

/// The key that seals flows. Share one between processes that serve the same callback.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct FlowKey([u8; 32]);

impl FlowKey {
    /// A key of 256 random bits.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    pub(crate) fn random() -> Self {
        let mut key = [0; 32];
        getrandom::fill(&mut key).expect("the operating system gives random numbers");
        Self(key)
    }
}

impl fmt::Debug for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlowKey([redacted])")
    }
}

/// Flows that were finished, until they would have expired anyway.
#[derive(Debug, Default)]
pub(crate) struct UsedFlows(Mutex<HashMap<String, WallMillis>>);

impl UsedFlows {
    /// Marks a flow; says whether it was unused.
    fn mark(&self, id: &str, expires: WallMillis, now: WallMillis) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, expires| *expires > now);
        used.insert(id.to_owned(), expires).is_none()
    }

    /// Its code was not sent after all.
    fn unmark(&self, id: &str) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.remove(id);
    }

    fn contains(&self, id: &str) -> bool {
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.contains_key(id)
    }
}

/// What a flow holds.
#[derive(Serialize, Deserialize)]
struct Opened {
    id: String,
    brand: String,
    site: String,
    client_id: String,
    subject: String,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verifier: Option<String>,
    redirect_uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    expires: WallMillis,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.state.zeroize();
        self.verifier.zeroize();
    }
}

/// Whose login a flow is, and where its callback must arrive. `Debug` leaves out the redirect URI's parameters: the state may be
/// among them.
#[derive(Clone)]
#[non_exhaustive]
pub struct FlowInfo {
    /// Whose login it is.
    pub account: Account,
    /// The redirect URI of this flow; a callback that arrives elsewhere is not its answer (RFC 9700 §4.4).
    pub redirect_uri: Url,
    /// A name of the flow that is no secret.
    pub id: String,
    /// Until when the login can be finished.
    pub expires_at: SystemTime,
    /// Where in the redirect the code comes: a fragment never reaches a server by itself.
    pub channel: Channel,
    /// Whether the redirect brings the state back; where it may not, the flow must be bound to the browser by other means.
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

pub(crate) fn start(core: &Arc<Core>, slot: &Arc<Slot>, connect: &Connect) -> Result<Start, Error> {
    let home = &slot.home;
    let client = home.provider.client();
    let state = State::random();
    let verifier = (client.dialect().authorization.pkce == Pkce::S256).then(CodeVerifier::random);
    let challenge = verifier.as_ref().map(CodeVerifier::challenge);
    let redirect_uri = home.provider.redirect_uri(&state);
    let scope = connect.scope.as_deref().or_else(|| client.scope());
    let extra: Vec<(&str, &str)> = connect
        .extra
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let url = home.provider.authorization_url(
        &home.site,
        &AuthorizationRequest {
            state: &state,
            redirect_uri: &redirect_uri,
            scope,
            challenge: challenge.as_deref(),
            extra: &extra,
        },
    )?;
    let key = slot.key();
    let opened = Opened {
        id: format!("{:032x}", core.random.number()),
        brand: key.brand().to_owned(),
        site: key.base().to_owned(),
        client_id: key.client_id().to_owned(),
        subject: key.subject().to_owned(),
        state: state.expose().to_owned(),
        verifier: verifier.as_ref().map(|v| v.expose().to_owned()),
        redirect_uri: redirect_uri.to_string(),
        scope: scope.map(str::to_owned),
        expires: core.time.wall() + millis(core.options.flow),
    };
    let flow = seal(&core.flow_key, &opened);
    Ok(Start { url, flow })
}

impl Accounts {
    /// Finishes a login with what the redirect brought: exchanges the code, once, and writes the tokens.
    ///
    /// Cancel safe: the exchange goes on and its tokens are written, whether or not anybody waits.
    ///
    /// # Errors
    /// [`Error::Redirect`] for a denial or a redirect that is not this flow's, [`Error::Flow`], [`Error::Exchange`] when the token endpoint
    /// gave no tokens (start again: a code is never sent twice). [`Error::Store`] and [`Error::RevocationPending`] mean that nothing was
    /// sent: the same call may succeed later, while the flow and the code last. [`Error::Timeout`] and [`Error::Aborted`] say nothing of the
    /// login: ask for the account's status, and start again where it is not connected.
    pub async fn finish(&self, flow: Flow, redirect: Redirect) -> Result<Account, Error> {
        let core = self.core();
        let opened = open(core, &flow)?;
        let account = self.account_of(&opened)?;
        let slot = account.slot();
        let state = State::new(opened.state.as_str());
        let expected = ExpectedRedirect { state: &state };
        let callback = slot.home.provider.read_redirect(&redirect, &expected);
        // A denial ends the flow as a code does; anything else may be somebody else's doing.
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
            terms: Terms {
                redirect_uri: opened.redirect_uri.clone(),
                scope: opened.scope.clone(),
            },
        };
        let result = login::exchange(core, slot, exchange).await;
        if result.as_ref().is_err_and(nothing_was_sent) {
            core.used_flows.unmark(&opened.id);
        }
        result.map(|()| account)
    }

    /// Whose login a flow is, without ending it.
    ///
    /// # Errors
    /// [`Error::Flow`] for one that is not ours, expired or used; [`Error::UnknownProvider`] when its provider is no longer configured.
    pub fn flow(&self, flow: &Flow) -> Result<FlowInfo, Error> {
        let opened = open(self.core(), flow)?;
        let account = self.account_of(&opened)?;
        let redirect_uri = Url::parse(&opened.redirect_uri).map_err(|_| FlowError::NotOurs)?;
        let dialect = account.slot().home.provider.client().dialect();
        Ok(FlowInfo {
            channel: dialect.redirect_channel(),
            state_echo: dialect.state_echo(),
            account,
            redirect_uri,
            expires_at: UNIX_EPOCH + Duration::from_millis(opened.expires),
            id: opened.id.clone(),
        })
    }

    fn account_of(&self, opened: &Opened) -> Result<Account, Error> {
        let account = self.account_by_id(
            &opened.brand,
            &opened.client_id,
            &opened.site,
            &opened.subject,
        )?;
        Ok(account)
    }
}

/// The code has not left, so the flow is still good.
fn nothing_was_sent(error: &Error) -> bool {
    matches!(
        error,
        Error::Store { .. }
            | Error::Record { .. }
            | Error::RevocationPending { .. }
            | Error::Exchange {
                source: ExchangeError::TooLate | ExchangeError::Request(_),
                ..
            }
            | Error::ShutDown
            | Error::NoRuntime
    )
}

fn seal(key: &FlowKey, opened: &Opened) -> Flow {
    let mut plain = serde_json::to_vec(opened).expect("a flow has string keys only");
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce).expect("the operating system gives random numbers");
    let payload = Payload {
        msg: &plain,
        aad: PURPOSE,
    };
    let sealed = XChaCha20Poly1305::new(&key.0.into())
        .encrypt(&XNonce::from(nonce), payload)
        .expect("a flow is far shorter than the cipher's limit");
    plain.zeroize();
    Flow(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
}

fn open(core: &Core, flow: &Flow) -> Result<Opened, Error> {
    let bytes = URL_SAFE_NO_PAD
        .decode(&flow.0)
        .map_err(|_| FlowError::NotOurs)?;
    let (nonce, sealed) = bytes.split_first_chunk::<24>().ok_or(FlowError::NotOurs)?;
    let payload = Payload {
        msg: sealed,
        aad: PURPOSE,
    };
    let mut plain = XChaCha20Poly1305::new(&core.flow_key.0.into())
        .decrypt(&XNonce::from(*nonce), payload)
        .map_err(|_| FlowError::NotOurs)?;
    let opened: Result<Opened, _> = serde_json::from_slice(&plain);
    plain.zeroize();
    let opened = opened.map_err(|_| FlowError::NotOurs)?;
    if core.time.wall() >= opened.expires {
        return Err(FlowError::Expired.into());
    }
    if core.used_flows.contains(&opened.id) {
        return Err(FlowError::Used.into());
    }
    Ok(opened)
}

/// Keeps a sealed flow from being taken for anything else that the same key may seal.
const PURPOSE: &[u8] = b"tokenkeeper flow 1";

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
