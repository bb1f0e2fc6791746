//! The check of each account's final state.

use super::{check::Checker, facts::Operation, verdict::Cause};
use crate::message::FinalState;

impl Checker<'_> {
    /// Checks that each account's final state has a reason.
    pub(super) fn check_final_states(&mut self, accounts: usize) {
        for account in 0..accounts {
            let (name, wrong) = match self.evidence.final_states.get(&account) {
                Some(FinalState::Works) => ("works", None),
                Some(FinalState::Disconnected) => {
                    let wrong = !self.was_disconnected(account);
                    (
                        "disconnected",
                        wrong.then(|| "no user disconnected it".to_owned()),
                    )
                }
                Some(FinalState::Lost { cause }) => {
                    let wrong = !self.was_lost(account);
                    let text =
                        || format!("it is lost ({cause}), and no process was killed over it");
                    ("lost", wrong.then(text))
                }
                Some(FinalState::NotConnected) => {
                    let wrong = self.logins(account).next().is_some();
                    (
                        "not connected",
                        wrong.then(|| "its record is missing".to_owned()),
                    )
                }
                Some(FinalState::Stuck { why }) => {
                    ("stuck", Some(format!("it does not work: {why}")))
                }
                None => ("unknown", Some("no audit reached it".to_owned())),
            };
            *self.verdict.final_states.entry(name).or_default() += 1;
            if let Some(wrong) = wrong {
                self.violation(Some(account), None, format!("at the end: {wrong}"));
            }
        }
    }

    /// Returns the logins whose tokens reached the store.
    fn logins(&self, account: usize) -> impl Iterator<Item = &Operation> {
        let ops = self.index.ops.get(&account).into_iter().flatten();
        ops.filter(|op| op.is_login() && self.index.took_effect(op))
    }

    /// Returns whether a disconnect ended after the last login began.
    fn was_disconnected(&self, account: usize) -> bool {
        let last = self.logins(account).map(|op| op.began).max().unwrap_or(0);
        let mut ops = self.index.ops.get(&account).into_iter().flatten();
        ops.any(|op| !op.is_login() && op.ended.is_none_or(|ended| ended > last))
    }

    /// Returns whether the account was lost after its last login.
    fn was_lost(&self, account: usize) -> bool {
        let last = self.logins(account).map(|op| op.began).max();
        self.verdict.losses.iter().any(|loss| {
            let of_it = loss.account == Some(account) && loss.cause != Cause::Login;
            of_it && last.is_none_or(|last| loss.at > last)
        })
    }
}
