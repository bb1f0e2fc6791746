//! How each account is in the end.

use std::time::{Duration, Instant};

use http::StatusCode;
use tokenkeeper::{Account, Error, Status};
use tokio::task::JoinSet;

use super::load::{Load, Outcome};
use crate::{
    causes,
    said::{End, Said},
};

/// How long the audit of an account may take, the wait for what is still under way included.
const AUDIT: Duration = Duration::from_secs(20);

impl Load {
    /// Sees how each account is.
    pub(super) async fn audit(&self, accounts: usize) {
        let mut audits = JoinSet::new();
        for account in 0..accounts {
            let load = self.clone();
            audits.spawn(async move {
                let end = load.look_at(account).await;
                load.mouth.say(Said::Audit { account, end });
            });
        }
        audits.join_all().await;
    }

    async fn look_at(&self, number: usize) -> End {
        let account = match self.account(number) {
            Ok(account) => account,
            Err(error) => return stuck(&error),
        };
        let until = Instant::now() + AUDIT;
        loop {
            let end = self.try_out(&account).await;
            if !matches!(end, End::Stuck { .. }) || Instant::now() > until {
                return end;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn try_out(&self, account: &Account) -> End {
        match account.status().await {
            Ok(Status::NotConnected) => return End::NotConnected,
            Ok(Status::Disconnected { .. }) => return End::Disconnected,
            Ok(_) => {}
            Err(error) => return stuck(&error),
        }
        match account.refresh().await {
            Ok(_) => {}
            Err(Error::ReauthorizationRequired { cause, .. }) => {
                return End::Lost {
                    cause: cause.to_string(),
                };
            }
            Err(error) => return stuck(&error),
        }
        match self.call(account).await {
            Ok(Outcome::Status(StatusCode::OK)) => End::Works,
            Ok(Outcome::Status(status)) => End::Stuck {
                why: format!("the API answers {status}"),
            },
            Ok(Outcome::Token | Outcome::Broken) => End::Stuck {
                why: "the API gives no answer".into(),
            },
            Err(error) => stuck(&error),
        }
    }
}

/// What the audit says of an error that is not the end of the account.
fn stuck(error: &(dyn std::error::Error + 'static)) -> End {
    End::Stuck { why: causes(error) }
}
