//! What workers said, sorted by what it is about.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    Evidence,
    facts::{Answer, Op, Put, Sending},
};
use crate::{
    mark::Mark,
    said::{Micros, Said},
};

/// What workers said, sorted by what it is about.
pub(super) struct Index {
    /// What became of each sending, by worker and number.
    pub(super) sendings: HashMap<(String, u64), Sending>,
    /// All writes of records that hold the refresh token, by time.
    pub(super) puts: HashMap<Mark, Vec<Put>>,
    /// Whose refresh token, or code, it is.
    pub(super) owners: HashMap<Mark, usize>,
    /// The refresh token that came in the place of this one, or of this code.
    pub(super) successors: HashMap<Mark, Mark>,
    /// What was presented, and therefore read from somewhere.
    presented: HashSet<Mark>,
    /// Logins and disconnects of each account.
    pub(super) ops: BTreeMap<usize, Vec<Op>>,
}

impl Index {
    pub(super) fn of(evidence: &Evidence) -> Self {
        let mut index = Self {
            sendings: HashMap::new(),
            puts: HashMap::new(),
            owners: HashMap::new(),
            successors: HashMap::new(),
            presented: evidence.presentations.iter().map(|s| s.mark).collect(),
            ops: BTreeMap::new(),
        };
        for (name, life) in &evidence.lives {
            index.read(name, &life.lines);
        }
        for puts in index.puts.values_mut() {
            puts.sort_by_key(|put| put.ended);
        }
        index.own_chains();
        index
    }

    fn read(&mut self, name: &str, lines: &[crate::said::Line]) {
        let key = |send| (name.to_owned(), send);
        // The newest write with the token, and when each version was tried first: those of this worker alone.
        let mut newest: HashMap<Mark, String> = HashMap::new();
        let mut first: HashMap<String, Micros> = HashMap::new();
        // Of what people do: the account, and the place among its logins and disconnects.
        let mut open: HashMap<u64, (usize, usize)> = HashMap::new();
        for line in lines {
            match &line.said {
                Said::Put {
                    account,
                    began,
                    version,
                    outcome,
                    carries,
                    dead,
                    tombstone,
                } => {
                    let first = *first.entry(version.clone()).or_insert(*began);
                    for mark in carries {
                        newest.insert(*mark, version.clone());
                        self.owners.insert(*mark, *account);
                        self.puts.entry(*mark).or_default().push(Put {
                            worker: name.to_owned(),
                            began: *began,
                            first,
                            ended: line.at,
                            outcome: *outcome,
                            dead: *dead,
                            tombstone: *tombstone,
                        });
                    }
                }
                Said::Sent { send, grant, mark } => {
                    let claim = newest.get(mark);
                    let sending = Sending {
                        worker: name.to_owned(),
                        grant: *grant,
                        mark: *mark,
                        at: line.at,
                        answer: None,
                        claimed: claim.and_then(|version| first.get(version)).copied(),
                    };
                    self.sendings.insert(key(*send), sending);
                }
                Said::Answered { send, status, gave } => {
                    if let Some(sending) = self.sendings.get_mut(&key(*send)) {
                        sending.answer = Some(Answer {
                            at: line.at,
                            status: *status,
                            gave: *gave,
                        });
                        if let Some(gave) = gave {
                            self.successors.insert(sending.mark, *gave);
                        }
                    }
                }
                Said::Login { op, account, code } => {
                    self.owners.insert(*code, *account);
                    open.insert(*op, self.begin(*account, Some(*code), line.at));
                }
                Said::Ending { op, account } => {
                    open.insert(*op, self.begin(*account, None, line.at));
                }
                // A login that failed before the person had approved never began here.
                Said::LoginOver { op, error, .. } | Said::EndingOver { op, error, .. } => {
                    if let Some((account, place)) = open.remove(op) {
                        self.end(account, place, line.at, error.is_some());
                    }
                }
                _ => {}
            }
        }
    }

    fn begin(&mut self, account: usize, code: Option<Mark>, at: Micros) -> (usize, usize) {
        let ops = self.ops.entry(account).or_default();
        ops.push(Op {
            began: at,
            ended: None,
            code,
            failed: false,
        });
        (account, ops.len() - 1)
    }

    fn end(&mut self, account: usize, place: usize, at: Micros, failed: bool) {
        let ops = self.ops.get_mut(&account);
        if let Some(op) = ops.and_then(|ops| ops.get_mut(place)) {
            op.ended = Some(at);
            op.failed = failed;
        }
    }

    /// Tokens that were never written belong to whom those before them belong to.
    fn own_chains(&mut self) {
        let mut grown = true;
        while grown {
            grown = false;
            for (mark, next) in &self.successors {
                if let Some(owner) = self.owners.get(mark).copied()
                    && self.owners.insert(*next, owner).is_none()
                {
                    grown = true;
                }
            }
        }
    }

    /// When a record that holds the token was first known to be in the store.
    pub(super) fn written(&self, mark: Mark) -> Option<Micros> {
        let puts = self.puts.get(&mark)?;
        puts.iter().find(|put| put.landed()).map(|put| put.ended)
    }

    /// Whether the token was in the store: somebody knows that it was written, or has used it, for which it must have been written.
    pub(super) fn saved(&self, mark: Mark) -> bool {
        self.written(mark).is_some() || self.presented.contains(&mark)
    }

    /// Whether it came into effect, as far as anybody knows: a login did if its tokens reached the store.
    pub(super) fn stands(&self, op: &Op) -> bool {
        match op.code {
            Some(code) => self
                .successors
                .get(&code)
                .is_some_and(|gave| self.saved(*gave)),
            None => true,
        }
    }

    /// When the tokens of a login were first known to be in the store.
    pub(super) fn written_by(&self, login: &Op) -> Option<Micros> {
        self.written(*self.successors.get(&login.code?)?)
    }

    /// When the store was first known to say that the token was refused.
    pub(super) fn marked(&self, mark: Mark) -> Option<Micros> {
        let mut puts = self.puts.get(&mark)?.iter();
        puts.find(|put| put.landed() && put.dead)
            .map(|put| put.ended)
    }
}
