//! The judgement.

use std::collections::HashMap;

use super::{Evidence, Shown, ShownOutcome, index::Index, repeats::excuse, verdict::*};
use crate::{
    mark::Mark,
    said::{Micros, Said},
};

pub(crate) fn judge(evidence: &Evidence, accounts: usize) -> Verdict {
    let index = Index::of(evidence);
    let mut court = Court {
        evidence,
        index: &index,
        verdict: Verdict::default(),
    };
    court.presentations();
    court.deaths();
    court.fates();
    court.processes();
    court.ends(accounts);
    court.count();
    court.verdict.violations.sort_by_key(|v| v.at);
    court.verdict
}

pub(super) struct Court<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) index: &'a Index,
    pub(super) verdict: Verdict,
}

impl Court<'_> {
    pub(super) fn violation(&mut self, account: Option<usize>, at: Option<Micros>, text: String) {
        self.verdict.violations.push(Violation {
            account,
            at,
            text,
            presented: false,
        });
    }

    fn presented(&mut self, shown: &Shown, text: &str) {
        self.verdict.violations.push(Violation {
            account: self.index.owners.get(&shown.mark).copied(),
            at: Some(shown.began),
            text: format!("refresh token {}: {shown}: {text}", shown.mark),
            presented: true,
        });
    }

    /// Every presentation has an attempt that was written first, and every one after the first has its reason.
    fn presentations(&mut self) {
        let mut by_token: HashMap<Mark, Vec<&Shown>> = HashMap::new();
        for shown in &self.evidence.presentations {
            by_token.entry(shown.mark).or_default().push(shown);
        }
        let mut tokens: Vec<_> = by_token.into_values().collect();
        tokens.sort_by_key(|shown| shown[0].order);
        for shown in tokens {
            for (number, later) in shown.iter().enumerate() {
                let key = (later.worker.clone(), later.send);
                let claimed = self.index.sendings.get(&key).and_then(|s| s.claimed);
                if claimed.is_none() {
                    self.presented(later, "no attempt was written first");
                }
                let mut why = None;
                for earlier in &shown[..number] {
                    match excuse(self.evidence, self.index, earlier, later) {
                        Ok(excuse) => why = Some(excuse),
                        Err(broken) => self.presented(later, &format!("{broken} ({earlier})")),
                    }
                }
                self.verdict.repeats.extend(why.map(|why| Repeat { why }));
            }
        }
    }

    /// A record says that a login is needed only after the provider has refused its token, and no older token comes back over a newer one.
    fn deaths(&mut self) {
        let mut broken = Vec::new();
        for (mark, puts) in &self.index.puts {
            let refused = self
                .evidence
                .presentations
                .iter()
                .filter(|shown| shown.mark == *mark && shown.outcome == ShownOutcome::Refused);
            let refused = refused.map(|shown| shown.began).min();
            let next = self.index.successors.get(mark);
            let replaced = next.and_then(|next| self.index.written(*next));
            for put in puts.iter().filter(|put| put.landed()) {
                if put.dead && refused.is_none_or(|at| at > put.ended) {
                    broken.push((
                        *mark,
                        put.began,
                        "marked for a new login, though not refused",
                    ));
                }
                if !put.tombstone && replaced.is_some_and(|at| at < put.first) {
                    broken.push((*mark, put.began, "written over what came in its place"));
                }
            }
        }
        for (mark, at, text) in broken {
            let account = self.index.owners.get(&mark).copied();
            self.violation(account, Some(at), format!("refresh token {mark}: {text}"));
        }
    }

    fn processes(&mut self) {
        for (name, life) in &self.evidence.lives {
            if let Some(problem) = &life.problem {
                self.violation(None, life.ended, format!("worker {name}: {problem}"));
            }
            for line in &life.lines {
                if let Said::Shutdown { unwritten } = &line.said {
                    for account in unwritten {
                        let text = format!("worker {name} ended without having written");
                        self.violation(Some(*account), Some(line.at), text);
                    }
                }
            }
        }
    }

    fn count(&mut self) {
        for ops in self.index.ops.values() {
            for op in ops.iter().filter(|op| op.ended.is_some() && !op.failed) {
                if op.is_login() {
                    self.verdict.logins += 1;
                } else {
                    self.verdict.disconnects += 1;
                }
            }
        }
        let calls = &mut self.verdict.calls;
        for line in self.evidence.lives.values().flat_map(|life| &life.lines) {
            if let Said::Calls(more) = line.said {
                calls.tokens += more.tokens;
                calls.failures += more.failures;
                calls.served += more.served;
                calls.rejected += more.rejected;
                calls.broken += more.broken;
            }
        }
    }
}
