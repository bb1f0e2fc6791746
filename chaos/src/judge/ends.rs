//! How each account is in the end, and whether that is as it should be.

use super::{court::Court, facts::Op, verdict::Cause};
use crate::said::End;

impl Court<'_> {
    pub(super) fn ends(&mut self, accounts: usize) {
        for account in 0..accounts {
            let (name, wrong) = match self.evidence.ends.get(&account) {
                Some(End::Works) => ("works", None),
                Some(End::Disconnected) => {
                    let wrong = !self.was_disconnected(account);
                    (
                        "disconnected",
                        wrong.then(|| "nobody disconnected it".to_owned()),
                    )
                }
                Some(End::Lost { cause }) => {
                    let wrong = !self.was_lost(account);
                    let text = || format!("it is lost ({cause}), and nobody was killed over it");
                    ("lost", wrong.then(text))
                }
                Some(End::NotConnected) => {
                    let wrong = self.logins(account).next().is_some();
                    (
                        "not connected",
                        wrong.then(|| "its record is gone".to_owned()),
                    )
                }
                Some(End::Stuck { why }) => ("stuck", Some(format!("it does not work: {why}"))),
                None => ("unknown", Some("nobody could say how it is".to_owned())),
            };
            *self.verdict.ends.entry(name).or_default() += 1;
            if let Some(wrong) = wrong {
                self.violation(Some(account), None, format!("in the end: {wrong}"));
            }
        }
    }

    /// Those whose tokens reached the store.
    fn logins(&self, account: usize) -> impl Iterator<Item = &Op> {
        let ops = self.index.ops.get(&account).into_iter().flatten();
        ops.filter(|op| op.is_login() && self.index.stands(op))
    }

    /// A disconnect that was not over when the last login began.
    fn was_disconnected(&self, account: usize) -> bool {
        let last = self.logins(account).map(|op| op.began).max().unwrap_or(0);
        let mut ops = self.index.ops.get(&account).into_iter().flatten();
        ops.any(|op| !op.is_login() && op.ended.is_none_or(|ended| ended > last))
    }

    /// A loss that no login has made good.
    fn was_lost(&self, account: usize) -> bool {
        let last = self.logins(account).map(|op| op.began).max();
        self.verdict.losses.iter().any(|loss| {
            let of_it = loss.account == Some(account) && loss.cause != Cause::Login;
            of_it && last.is_none_or(|last| loss.at > last)
        })
    }
}
