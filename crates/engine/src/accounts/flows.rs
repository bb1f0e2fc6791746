//! What an application does with a login that is in flight.

use tokenkeeper_protocol::Redirect;

use super::{Accounts, Confirmation, FlowInfo, login};
use crate::{
    account::Account,
    device::{self, DeviceFlowInfo},
    engine::auditing,
    error::Error,
    flow::{self, DeviceContents, DeviceFlow, Flow, FlowContents},
    login::Login,
};

impl Accounts {
    /// Finishes a login with the redirect's parameters: exchanges the code, writes the tokens, and
    /// returns the account with what else the login brought.
    ///
    /// A code is never sent twice. If the callback comes again, to this process or another one that
    /// shares the store, the second call waits for the first and returns its result.
    ///
    /// [`LoginRedirect`](crate::LoginRedirect) has an example.
    ///
    /// # Errors
    /// - [`Error::Redirect`] if the person denied, or the redirect belongs to another flow.
    /// - [`Error::ConfirmationRequired`] if the redirect has no state, as at some providers.
    ///   Nothing was sent: ask the person, then call [`finish_confirmed`](Self::finish_confirmed).
    /// - [`Error::Flow`] if the flow is expired or sealed with another key, or its code was refused
    ///   before.
    /// - [`Error::Exchange`] if the token endpoint gave no tokens. Start the login again, unless
    ///   the endpoint could not be reached: the code is still good then.
    /// - [`Error::Store`], [`Error::Record`], [`Error::StoreTooSlow`] and
    ///   [`Error::RevocationPending`] if nothing was sent. The same call may succeed later, while
    ///   the flow and the code are valid.
    /// - [`Error::Superseded`] if a newer login or a disconnect came first.
    /// - [`Error::Timeout`] if no result came in time. The login may still succeed: check
    ///   [`Account::status`], and start again if the account is not connected.
    /// - [`Error::UnknownProvider`] if the flow's provider is no longer configured, and
    ///   [`Error::ShutDown`] after a shutdown.
    /// - [`Error::AuditFull`] if a full [audit trail](crate::Audit::back_pressure) holds it back.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: after the first poll, the exchange continues and its tokens are written even if
    /// the future is dropped.
    pub async fn finish(&self, flow: Flow, redirect: Redirect) -> Result<Login, Error> {
        self.finish_with(&flow, &redirect, None).await
    }

    /// Finishes a login like [`finish`](Self::finish), also with a redirect that has no state: the
    /// confirmation says what proves in its place that the redirect belongs to the login.
    ///
    /// The code is not exchanged before. An exchange would write down an attempt for the account
    /// and redeem a code that may be a stranger's, and its answer seldom names a person.
    ///
    /// ```
    /// use tokenkeeper_engine::{Confirmation, Error};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let world = tokenkeeper_test_support::World::ioffice();
    /// # let accounts = world.accounts.clone();
    /// # let (flow, redirect) = world.approved_login().await;
    /// # let ask_the_person = |_: &str| true;
    /// let login = match accounts.finish(flow.clone(), redirect.clone()).await {
    ///     Err(Error::ConfirmationRequired { .. }) => {
    ///         let account = accounts.flow(&flow)?.account;
    ///         let question = format!("Connect {} at {}?", account.provider(), account.site());
    ///         if !ask_the_person(&question) {
    ///             return Ok(()); // The account is as it was.
    ///         }
    ///         accounts.finish_confirmed(flow, redirect, Confirmation::ByPerson).await?
    ///     }
    ///     finished => finished?,
    /// };
    /// # assert_eq!(login.account.provider(), "ioffice");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`finish`](Self::finish), except for [`Error::ConfirmationRequired`]. After a site has
    /// returned the state of a login in this process, one without it is refused with
    /// [`RedirectError::StateMissing`](tokenkeeper_protocol::RedirectError::StateMissing), whatever
    /// a person confirms.
    ///
    /// # Cancel safety
    ///
    /// As [`finish`](Self::finish).
    pub async fn finish_confirmed(
        &self,
        flow: Flow,
        redirect: Redirect,
        confirmation: Confirmation,
    ) -> Result<Login, Error> {
        self.finish_with(&flow, &redirect, Some(confirmation)).await
    }

    async fn finish_with(
        &self,
        flow: &Flow,
        redirect: &Redirect,
        confirmation: Option<Confirmation>,
    ) -> Result<Login, Error> {
        auditing::admit(&self.core).await?;
        let opened = self.open(flow);
        let opened = opened.and_then(|contents| Ok((self.account_of(&contents)?, contents)));
        let (account, contents) = opened.inspect_err(|error| {
            auditing::record_refused_callback(&self.core, None, error);
        })?;
        login::finish(&account, &contents, redirect, confirmation).await?;
        Ok(Login::of(account))
    }

    /// Finishes a login by device code that another call or process has started, as
    /// [`DeviceLogin::finish`](crate::DeviceLogin::finish) does.
    ///
    /// # Errors
    /// As [`DeviceLogin::finish`](crate::DeviceLogin::finish), and:
    ///
    /// - [`Error::Flow`] if the flow is expired or sealed with another key.
    /// - [`Error::UnknownProvider`] if the flow's provider is no longer configured.
    ///
    /// # Cancel safety
    ///
    /// As [`DeviceLogin::finish`](crate::DeviceLogin::finish).
    pub async fn finish_device(&self, flow: DeviceFlow) -> Result<Login, Error> {
        let (account, contents) = self.open_device(&flow)?;
        device::finish(&account, &contents).await?;
        Ok(Login::of(account))
    }

    /// Returns what is known about a flow by device code, without finishing it.
    ///
    /// # Errors
    /// [`Error::Flow`] if the flow is expired or sealed with another key, and
    /// [`Error::UnknownProvider`] if its provider is no longer configured.
    pub fn device_flow(&self, flow: &DeviceFlow) -> Result<DeviceFlowInfo, Error> {
        let (account, contents) = self.open_device(flow)?;
        Ok(DeviceFlowInfo::of(account, &contents))
    }

    fn open_device(&self, flow: &DeviceFlow) -> Result<(Account, DeviceContents), Error> {
        let contents = flow::open_device(&self.core.flow_key, flow, self.core.time.wall())?;
        let account = self.account_of_key(
            &contents.brand,
            &contents.client_id,
            &contents.site,
            &contents.subject,
        )?;
        Ok((account, contents))
    }

    /// Returns what is known about a flow, without finishing it.
    ///
    /// # Errors
    /// [`Error::Flow`] if the flow is expired or sealed with another key, and
    /// [`Error::UnknownProvider`] if its provider is no longer configured.
    pub fn flow(&self, flow: &Flow) -> Result<FlowInfo, Error> {
        let contents = self.open(flow)?;
        login::info(self.account_of(&contents)?, &contents)
    }

    fn open(&self, flow: &Flow) -> Result<FlowContents, Error> {
        flow::open(&self.core.flow_key, flow, self.core.time.wall())
    }

    /// Returns the account that a flow connects.
    fn account_of(&self, flow: &FlowContents) -> Result<Account, Error> {
        self.account_of_key(&flow.brand, &flow.client_id, &flow.site, &flow.subject)
    }
}
