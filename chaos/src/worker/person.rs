//! The people, who connect and disconnect accounts.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use tokenkeeper::protocol::Redirect;

use super::load::Load;
use crate::{BoxError, causes, mark::Mark, said::Said, terms};

impl Load {
    /// A person logs in. In a task of its own.
    pub(super) fn connect(&self, account: usize) {
        let (load, op) = (self.clone(), self.next_op());
        tokio::spawn(async move {
            let result = load.log_in(op, account).await;
            let error = result.err().map(|error| causes(&*error));
            load.mouth.say(Said::LoginOver { op, account, error });
        });
    }

    async fn log_in(&self, op: u64, number: usize) -> Result<(), BoxError> {
        let start = self.account(number)?.connect()?;
        // A person would click; the emulator takes this for the click.
        let page = format!("{}&approve={}", start.url, terms::login(number));
        let request = Request::get(page).body(Empty::<Bytes>::new())?;
        let answer = self.browser.request(request).await?;
        let location = answer.headers().get("location");
        let location = location
            .ok_or("the authorization page does not redirect")?
            .to_str()?;
        let (_, query) = location
            .split_once('?')
            .ok_or("the redirect brings nothing")?;
        let code = form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "code")
            .ok_or("the redirect has no code")?;
        self.mouth.say(Said::Login {
            op,
            account: number,
            code: Mark::of(&code.1),
        });
        self.accounts
            .finish(start.flow, Redirect::query(query))
            .await?;
        Ok(())
    }

    /// A person disconnects. In a task of its own.
    pub(super) fn disconnect(&self, account: usize) {
        let (load, op) = (self.clone(), self.next_op());
        tokio::spawn(async move {
            load.mouth.say(Said::Ending { op, account });
            let result = match load.account(account) {
                Ok(account) => account.disconnect().await,
                Err(error) => Err(error),
            };
            let error = result.err().map(|error| causes(&error));
            load.mouth.say(Said::EndingOver { op, account, error });
        });
    }
}
