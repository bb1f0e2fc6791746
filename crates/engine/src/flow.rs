//! A login from the redirect to the callback: what has to survive between the two is sealed in a
//! [`Flow`].

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use serde::{Deserialize, Serialize};
use tokenkeeper_protocol::Url;
use tokenkeeper_refresh::WallMillis;
use zeroize::Zeroize as _;

use crate::error::{Error, FlowError};

/// What to ask for at a login, beyond what the registration says.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// Space-separated (RFC 6749 §3.3); `None`: the registration's.
    pub scope: Option<String>,
    /// Further parameters of the authorization request.
    pub extra: Vec<(String, String)>,
}

/// A login that was started. `Debug` leaves out the URL's parameters: the state is among them.
#[derive(Clone)]
#[non_exhaustive]
pub struct LoginRedirect {
    /// Where to send the person.
    pub url: Url,
    /// To be kept for this person's browser session, and handed to [`Accounts::finish`](crate::Accounts::finish) at the
    /// callback.
    pub flow: Flow,
}

impl fmt::Debug for LoginRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRedirect")
            .field("url", &Bare(&self.url))
            .field("flow", &self.flow)
            .finish()
    }
}

/// A URL without its parameters.
pub(crate) struct Bare<'a>(pub(crate) &'a Url);

impl fmt::Debug for Bare<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.0.origin().ascii_serialization();
        write!(f, "{origin}{}", self.0.path())
    }
}

/// A login under way, sealed: it may be kept in a cookie, and nobody without the key can read or
/// change it.
///
/// It is good for ten minutes ([`Options::login_timeout`](crate::Options::login_timeout)) and for one login. The
/// person at the callback must be the one who started it: bind it to the browser, by a cookie that
/// is `HttpOnly`, `Secure` and `SameSite=Lax`.
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
#[derive(Clone)]
pub struct FlowKey([u8; 32]);

impl Drop for FlowKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

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
    pub(crate) fn mark(&self, id: &str, expires: WallMillis, now: WallMillis) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, expires| *expires > now);
        used.insert(id.to_owned(), expires).is_none()
    }

    /// Its code was not sent after all.
    pub(crate) fn unmark(&self, id: &str) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.remove(id);
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.contains_key(id)
    }
}

/// What a flow holds.
#[derive(Serialize, Deserialize)]
pub(crate) struct Opened {
    pub(crate) id: String,
    pub(crate) brand: String,
    pub(crate) site: String,
    pub(crate) client_id: String,
    pub(crate) subject: String,
    pub(crate) state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verifier: Option<String>,
    pub(crate) redirect_uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
    pub(crate) expires: WallMillis,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.state.zeroize();
        self.verifier.zeroize();
    }
}

/// Seals what a flow holds.
pub(crate) fn seal(key: &FlowKey, opened: &Opened) -> Flow {
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

/// Opens a flow of ours that has not expired.
pub(crate) fn open(key: &FlowKey, flow: &Flow, now: WallMillis) -> Result<Opened, Error> {
    let bytes = URL_SAFE_NO_PAD
        .decode(&flow.0)
        .map_err(|_| FlowError::NotOurs)?;
    let (nonce, sealed) = bytes.split_first_chunk::<24>().ok_or(FlowError::NotOurs)?;
    let payload = Payload {
        msg: sealed,
        aad: PURPOSE,
    };
    let mut plain = XChaCha20Poly1305::new(&key.0.into())
        .decrypt(&XNonce::from(*nonce), payload)
        .map_err(|_| FlowError::NotOurs)?;
    let opened: Result<Opened, _> = serde_json::from_slice(&plain);
    plain.zeroize();
    let opened = opened.map_err(|_| FlowError::NotOurs)?;
    if now >= opened.expires {
        return Err(FlowError::Expired.into());
    }
    Ok(opened)
}

/// Keeps a sealed flow from being taken for anything else that the same key may seal.
const PURPOSE: &[u8] = b"tokenkeeper flow 1";
