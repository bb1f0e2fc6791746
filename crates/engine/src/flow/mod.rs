//! The state of a login between the redirect and the callback, sealed in a [`Flow`].

mod bytes;
mod contents;
mod device;
mod key;
mod options;
mod seal;

use std::fmt;

use serde::{Deserialize, Serialize};
use tokenkeeper_protocol::{State, Url};

pub(crate) use self::{
    contents::FlowContents,
    device::DeviceContents,
    seal::{open, open_device, seal, seal_device},
};
pub use self::{device::DeviceFlow, key::FlowKey, options::ConnectOptions};

/// A started login: the redirect for the person, and the flow to keep until the callback.
///
/// `Debug` omits the URL's query, which holds the `state`.
///
/// ```
/// use tokenkeeper_engine::Flow;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use tokenkeeper_test_support::{World, approve};
/// # let world = World::amiqus();
/// # let accounts = world.accounts.clone();
/// let login = accounts.account("amiqus", "user-42")?.connect()?;
/// let cookie = login.flow.as_str().to_owned();
/// // Redirect the browser to `login.url`. Then, at the callback:
/// # let redirect = approve(&world.emulator, login.url.as_str()).await;
/// let login = accounts.finish(Flow::from(cookie), redirect).await?;
/// assert_eq!(login.account.subject(), "user-42");
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct LoginRedirect {
    /// The authorization URL to send the person to.
    pub url: Url,
    /// The flow to bind to the person's browser session, and to pass to
    /// [`Accounts::finish`](crate::Accounts::finish) at the callback.
    pub flow: Flow,
    /// The state that the redirect returns. A browser with several logins finds the flow by it.
    pub state: State,
}

impl fmt::Debug for LoginRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRedirect")
            .field("url", &UrlWithoutQuery(&self.url))
            .field("flow", &self.flow)
            .finish()
    }
}

/// Shows a URL without its query and fragment.
pub(crate) struct UrlWithoutQuery<'a>(pub(crate) &'a Url);

impl fmt::Debug for UrlWithoutQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.0.origin().ascii_serialization();
        write!(f, "{origin}{}", self.0.path())
    }
}

/// The sealed state of a login in flight. Only a holder of the [`FlowKey`] can read or change it,
/// so a cookie may hold it.
///
/// A flow finishes one login, within [`Options::login_timeout`](crate::Options::login_timeout) (ten
/// minutes), whichever process its callbacks reach: a second callback gets the first one's result.
/// The person at the callback must be the one who started the login: bind the flow to the browser
/// with a cookie that is `HttpOnly`, `Secure` and `SameSite=Lax` (`None` for a provider with the
/// response mode `form_post`).
///
/// [`LoginRedirect`] has an example of a whole login. A flow also implements serde's traits, for a
/// session store:
///
/// ```
/// use tokenkeeper_engine::Flow;
///
/// let flow = Flow::from("from the cookie".to_owned());
/// assert_eq!(flow.as_str(), "from the cookie");
/// assert_eq!(format!("{flow:?}"), "Flow([sealed])");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flow(String);

impl Flow {
    /// Returns the flow as text in the base64url alphabet.
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
