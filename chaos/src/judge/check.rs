//! The check of all rules over the evidence.

use std::collections::HashMap;

use super::{
    Evidence, Presentation, PresentationOutcome, index::Index, repeats::justify, verdict::*,
};
use crate::{
    fingerprint::Fingerprint,
    message::{Micros, WorkerEvent},
};

pub(crate) fn judge(evidence: &Evidence, accounts: usize) -> Verdict {
    let index = Index::of(evidence);
    let mut checker = Checker {
        evidence,
        index: &index,
        verdict: Verdict::default(),
    };
    checker.check_presentations();
    checker.check_marks();
    checker.check_outcomes();
    checker.check_processes();
    checker.check_final_states(accounts);
    checker.count_totals();
    checker.verdict.violations.sort_by_key(|v| v.at);
    checker.verdict
}

/// The state of a check: the evidence, its index, and the verdict so far.
pub(super) struct Checker<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) index: &'a Index,
    pub(super) verdict: Verdict,
}

impl Checker<'_> {
    pub(super) fn violation(&mut self, account: Option<usize>, at: Option<Micros>, text: String) {
        self.verdict.violations.push(Violation {
            account,
            at,
            text,
            presented: false,
        });
    }

    fn forbidden_presentation(&mut self, presentation: &Presentation, text: &str) {
        self.verdict.violations.push(Violation {
            account: self.index.owners.get(&presentation.token).copied(),
            at: Some(presentation.began),
            text: format!(
                "refresh token {}: {presentation}: {text}",
                presentation.token
            ),
            presented: true,
        });
    }

    /// Checks that each presentation has a written attempt, and each repeated one a reason.
    fn check_presentations(&mut self) {
        let mut by_token: HashMap<Fingerprint, Vec<&Presentation>> = HashMap::new();
        for presentation in &self.evidence.presentations {
            by_token
                .entry(presentation.token)
                .or_default()
                .push(presentation);
        }
        let mut tokens: Vec<_> = by_token.into_values().collect();
        tokens.sort_by_key(|presentation| presentation[0].order);
        for presentation in tokens {
            for (number, later) in presentation.iter().enumerate() {
                let key = (later.worker.clone(), later.send);
                let claimed = self.index.requests.get(&key).and_then(|s| s.claimed);
                if claimed.is_none() {
                    self.forbidden_presentation(later, "presented without a written attempt");
                }
                let mut why = None;
                for earlier in &presentation[..number] {
                    match justify(self.evidence, self.index, earlier, later) {
                        Ok(justify) => why = Some(justify),
                        Err(broken) => {
                            self.forbidden_presentation(later, &format!("{broken} ({earlier})"));
                        }
                    }
                }
                self.verdict.repeats.extend(why.map(|why| Repeat { why }));
            }
        }
    }

    /// Checks that a record asks for a login only after a refusal, and that no older token returns.
    fn check_marks(&mut self) {
        let mut broken = Vec::new();
        for (token, puts) in &self.index.puts {
            let refused = self.evidence.presentations.iter().filter(|presentation| {
                presentation.token == *token && presentation.outcome == PresentationOutcome::Refused
            });
            let refused = refused.map(|presentation| presentation.began).min();
            let next = self.index.successors.get(token);
            let replaced = next.and_then(|next| self.index.written(*next));
            for put in puts.iter().filter(|put| put.landed()) {
                if put.dead && refused.is_none_or(|at| at > put.ended) {
                    broken.push((
                        *token,
                        put.began,
                        "marked for a new login without a refusal",
                    ));
                }
                if !put.tombstone && replaced.is_some_and(|at| at < put.first) {
                    broken.push((*token, put.began, "written over its successor"));
                }
            }
        }
        for (token, at, text) in broken {
            let account = self.index.owners.get(&token).copied();
            self.violation(account, Some(at), format!("refresh token {token}: {text}"));
        }
    }

    fn check_processes(&mut self) {
        for (name, log) in &self.evidence.workers {
            if let Some(problem) = &log.problem {
                self.violation(None, log.ended, format!("worker {name}: {problem}"));
            }
            for line in &log.lines {
                if let WorkerEvent::Shutdown { unwritten } = &line.event {
                    for account in unwritten {
                        let text = format!("worker {name} ended with an unwritten account");
                        self.violation(Some(*account), Some(line.at), text);
                    }
                }
            }
        }
    }

    fn count_totals(&mut self) {
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
        for line in self.evidence.workers.values().flat_map(|log| &log.lines) {
            if let WorkerEvent::Calls(more) = line.event {
                calls.tokens += more.tokens;
                calls.failures += more.failures;
                calls.served += more.served;
                calls.rejected += more.rejected;
                calls.broken += more.broken;
            }
        }
    }
}
