//! The log of a run: each lost token set, and the timeline of each violation.

use std::fmt;

use super::StoreRun;
use crate::{
    judge::{Loss, timeline},
    message::micros,
};

/// The log of a run.
pub(in crate::director) struct Log<'a>(pub(in crate::director) &'a [StoreRun]);

impl fmt::Display for Log<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for run in self.0 {
            writeln!(f, "# {}\n\n{:?}\n", run.options.store.name(), run.options)?;
            run.write_losses(f)?;
            run.write_violations(f)?;
        }
        Ok(())
    }
}

impl StoreRun {
    /// Writes each loss. Those of logins leave the account as it was, and are left out.
    fn write_losses(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Lost token sets. `no. 158 by 3.3/17`: the place in the emulator's log, the worker \
             (the third\nprocess in slot 3) and the number of its request. Abandoned: the \
             connection broke before the\nanswer was sent. Concurrent: another presentation of \
             the token was in flight. After an answer:\nanother one had been answered. Then: the \
             next event of the account.\n\n\
             | account | sent at | by | over after | emulator's log | cause | then |\n\
             |---|---|---|---|---|---|---|"
        )?;
        let losses = self.verdict.losses.iter();
        for loss in losses.filter(|loss| loss.cause != crate::judge::Cause::Login) {
            self.write_loss(f, loss)?;
        }
        for loss in self
            .verdict
            .losses
            .iter()
            .filter(|loss| loss.cause.is_rare())
        {
            writeln!(f, "\na rare loss: {}", loss.cause.name())?;
            if let Some(account) = loss.account {
                write!(
                    f,
                    "{}",
                    timeline(&self.record.evidence, account, Some(loss.at))
                )?;
            }
        }
        writeln!(f)
    }

    fn write_loss(&self, f: &mut fmt::Formatter<'_>, loss: &Loss) -> fmt::Result {
        let account = loss.account.map_or_else(|| "?".into(), |a| a.to_string());
        let since = loss.at.saturating_sub(micros(self.record.began));
        writeln!(
            f,
            "| {account} | {:.3} s | {} | {} ms | {} | {} | {} |",
            std::time::Duration::from_micros(since).as_secs_f64(),
            loss.worker,
            loss.over.saturating_sub(loss.at) / 1000,
            loss.presentation.as_deref().unwrap_or_default(),
            loss.cause.name(),
            loss.afterwards
        )
    }

    /// Writes each violation with the timeline of its account.
    pub(in crate::director) fn write_violations(&self, f: &mut impl fmt::Write) -> fmt::Result {
        for violation in &self.verdict.violations {
            writeln!(f, "\nVIOLATION: {}", violation.text)?;
            if let Some(account) = violation.account {
                let timeline = timeline(&self.record.evidence, account, violation.at);
                write!(f, "account {account}:\n{timeline}")?;
            }
        }
        Ok(())
    }
}
