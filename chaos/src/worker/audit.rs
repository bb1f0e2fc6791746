//! The audit of each account at the end.

use std::time::{Duration, Instant};

use http::StatusCode;
use tokenkeeper::{Account, Error, Status};
use tokio::task::JoinSet;

use super::load::{Load, Outcome};
use crate::{
    causes,
    message::{FinalState, WorkerEvent},
};

/// How long the audit of an account may take, with the wait for running work.
const AUDIT: Duration = Duration::from_secs(20);

impl Load {
    /// Audits all accounts.
    pub(super) async fn audit(&self, accounts: usize) {
        let mut audits = JoinSet::new();
        for account in 0..accounts {
            let load = self.clone();
            audits.spawn(async move {
                let end = load.audit_account(account).await;
                load.events.write(WorkerEvent::Audit { account, end });
            });
        }
        audits.join_all().await;
    }

    async fn audit_account(&self, number: usize) -> FinalState {
        let account = match self.account(number) {
            Ok(account) => account,
            Err(error) => return stuck(&error),
        };
        let until = Instant::now() + AUDIT;
        loop {
            let end = self.check_account(&account).await;
            if !matches!(end, FinalState::Stuck { .. }) || Instant::now() > until {
                return end;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn check_account(&self, account: &Account) -> FinalState {
        match account.status().await {
            Ok(Status::NotConnected) => return FinalState::NotConnected,
            Ok(Status::Disconnected { .. }) => return FinalState::Disconnected,
            Ok(_) => {}
            Err(error) => return stuck(&error),
        }
        match account.refresh().await {
            Ok(_) => {}
            Err(Error::ReauthorizationRequired { cause, .. }) => {
                return FinalState::Lost {
                    cause: cause.to_string(),
                };
            }
            Err(error) => return stuck(&error),
        }
        match self.call(account).await {
            Ok(Outcome::Status(StatusCode::OK)) => FinalState::Works,
            Ok(Outcome::Status(status)) => FinalState::Stuck {
                why: format!("the API answers {status}"),
            },
            Ok(Outcome::Token | Outcome::Broken) => FinalState::Stuck {
                why: "the API gives no answer".into(),
            },
            Err(error) => stuck(&error),
        }
    }
}

/// Returns the final state for an error that does not end the account.
fn stuck(error: &(dyn std::error::Error + 'static)) -> FinalState {
    FinalState::Stuck { why: causes(error) }
}
