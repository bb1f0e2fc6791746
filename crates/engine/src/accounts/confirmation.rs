//! What proves that a redirect without a state belongs to a login.

use tokenkeeper_protocol::{RedirectError, StateEcho};

use crate::{account::Account, error::Error};

/// What proves that a redirect without the login's state belongs to it: see
/// [`Accounts::finish_confirmed`](crate::Accounts::finish_confirmed).
///
/// A provider that returns no state leaves every login open to a forged redirect: another person's
/// link, with a code for their own account, would connect that account as the one of the person who
/// follows it (RFC 6749 §10.12). Nothing in such a redirect tells the two apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Confirmation {
    /// The person was asked, on a page of the application, whether they have just allowed this
    /// access themselves, and said yes.
    ///
    /// The page must not be framed by others, and the answer must be protected against cross-site
    /// request forgery: it comes from this page, in the browser that has the flow.
    ByPerson,
    /// No browser brought the code: the application's own request to the provider did. Such a code
    /// has no code challenge, so it is exchanged without a verifier.
    OwnRequest,
}

/// What a redirect shows about the login that it claims to belong to.
pub(super) struct Proof {
    state_returned: bool,
    confirmation: Option<Confirmation>,
}

impl Proof {
    pub(super) fn new(state_returned: bool, confirmation: Option<Confirmation>) -> Self {
        Self {
            state_returned,
            confirmation,
        }
    }

    /// Refuses a redirect that may be forged.
    pub(super) fn check(&self, account: &Account) -> Result<(), Error> {
        if self.state_returned {
            return Ok(());
        }
        let (core, entry) = account.parts();
        match self.confirmation {
            Some(Confirmation::OwnRequest) => Ok(()),
            _ if core.echoes.contains(entry.site.id) => Err(RedirectError::StateMissing.into()),
            Some(Confirmation::ByPerson) => Ok(()),
            None => Err(Error::ConfirmationRequired {
                account: account.digest(),
            }),
        }
    }

    /// Remembers a site that returned the state, once its code has proved to be the provider's.
    pub(super) fn learn(&self, account: &Account) {
        let (core, entry) = account.parts();
        let dialect = entry.site.provider.client().dialect();
        let is_redirect = self.confirmation != Some(Confirmation::OwnRequest);
        if self.state_returned && is_redirect && dialect.state_echo() == StateEcho::Unknown {
            core.echoes.insert(entry.site.id);
        }
    }
}
