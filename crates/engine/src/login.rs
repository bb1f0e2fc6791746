//! The result of a login.

use tokenkeeper_protocol::LoginData;

use crate::account::Account;

/// A finished login, as [`Accounts::finish`](crate::Accounts::finish) returns it.
///
/// `Debug` shows the names of the login data, and neither its values nor the subject.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use tokenkeeper_test_support::{World, approve};
/// # let world = World::plain();
/// # let accounts = world.accounts.clone();
/// # let account = accounts.account("plain", "user-42")?;
/// # let start = account.connect()?;
/// # let (flow, redirect) = (start.flow, approve(&world.emulator, start.url.as_str()).await);
/// let login = accounts.finish(flow, redirect).await?;
/// // Some providers name the tenant, or the host of its API, only here.
/// let realm = login.login_data.parameter("realmId");
/// let instance = login.login_data.get("instance_url");
/// # assert!(realm.is_none() && instance.is_none());
/// // The engine keeps both with the tokens.
/// assert_eq!(login.account.login_data().await?, login.login_data);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Login {
    /// The account that is connected now.
    pub account: Account,
    /// What the login brought next to its tokens.
    pub login_data: LoginData,
}

impl Login {
    /// Returns the login of an account whose tokens have just been taken over. It is empty if a
    /// disconnect has ended it since.
    pub(crate) fn of(account: Account) -> Self {
        Self {
            login_data: account.known_login_data().unwrap_or_default(),
            account,
        }
    }
}
