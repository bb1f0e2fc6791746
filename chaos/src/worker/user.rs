//! The users, who connect and disconnect accounts.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use tokenkeeper::protocol::Redirect;

use super::load::Load;
use crate::{BoxError, causes, config, fingerprint::Fingerprint, message::WorkerEvent};

impl Load {
    /// Logs a user in, in a new task.
    pub(super) fn connect(&self, account: usize) {
        let (load, op) = (self.clone(), self.next_op());
        tokio::spawn(async move {
            let result = load.log_in(op, account).await;
            let error = result.err().map(|error| causes(&*error));
            load.events
                .write(WorkerEvent::LoginFinished { op, account, error });
        });
    }

    async fn log_in(&self, op: u64, number: usize) -> Result<(), BoxError> {
        let start = self.account(number)?.connect()?;
        // The emulator takes this parameter for the user's click.
        let page = format!("{}&approve={}", start.url, config::login(number));
        let request = Request::get(page).body(Empty::<Bytes>::new())?;
        let answer = self.browser.request(request).await?;
        let location = answer.headers().get("location");
        let location = location
            .ok_or("the authorization page does not redirect")?
            .to_str()?;
        let (_, query) = location
            .split_once('?')
            .ok_or("the redirect has no query")?;
        let code = form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "code")
            .ok_or("the redirect has no code")?;
        self.events.write(WorkerEvent::LoginStarted {
            op,
            account: number,
            code: Fingerprint::of(&code.1),
        });
        self.accounts
            .finish(start.flow, Redirect::query(query))
            .await?;
        Ok(())
    }

    /// Disconnects an account, in a new task.
    pub(super) fn disconnect(&self, account: usize) {
        let (load, op) = (self.clone(), self.next_op());
        tokio::spawn(async move {
            load.events
                .write(WorkerEvent::DisconnectStarted { op, account });
            let result = match load.account(account) {
                Ok(account) => account.disconnect().await,
                Err(error) => Err(error),
            };
            let error = result.err().map(|error| causes(&error));
            load.events
                .write(WorkerEvent::DisconnectFinished { op, account, error });
        });
    }
}
