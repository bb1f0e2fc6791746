//! An index of the workers' events.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    Evidence,
    facts::{Answer, Operation, Put, TokenRequest},
};
use crate::{
    fingerprint::Fingerprint,
    message::{Micros, WorkerEvent},
};

/// An index of the workers' events, by token and account.
pub(super) struct Index {
    /// The token requests by worker and number.
    pub(super) requests: HashMap<(String, u64), TokenRequest>,
    /// The writes of records that hold the refresh token, by time.
    pub(super) puts: HashMap<Fingerprint, Vec<Put>>,
    /// The account of each refresh token or code.
    pub(super) owners: HashMap<Fingerprint, usize>,
    /// The refresh token issued for this one, or for this code.
    pub(super) successors: HashMap<Fingerprint, Fingerprint>,
    /// The presented tokens, which a process must have read from the store.
    presented: HashSet<Fingerprint>,
    /// The logins and disconnects of each account.
    pub(super) ops: BTreeMap<usize, Vec<Operation>>,
}

impl Index {
    pub(super) fn of(evidence: &Evidence) -> Self {
        let mut index = Self {
            requests: HashMap::new(),
            puts: HashMap::new(),
            owners: HashMap::new(),
            successors: HashMap::new(),
            presented: evidence.presentations.iter().map(|s| s.token).collect(),
            ops: BTreeMap::new(),
        };
        for (name, log) in &evidence.workers {
            index.read(name, &log.lines);
        }
        for puts in index.puts.values_mut() {
            puts.sort_by_key(|put| put.ended);
        }
        index.own_chains();
        index
    }

    fn read(&mut self, name: &str, lines: &[crate::message::Line]) {
        let key = |send| (name.to_owned(), send);
        // For this worker: the newest write with each token, and the first attempt of each version.
        let mut newest: HashMap<Fingerprint, String> = HashMap::new();
        let mut first: HashMap<String, Micros> = HashMap::new();
        // For each open operation: the account, and its place among the account's operations.
        let mut open: HashMap<u64, (usize, usize)> = HashMap::new();
        for line in lines {
            match &line.event {
                WorkerEvent::Put {
                    account,
                    began,
                    version,
                    outcome,
                    tokens,
                    dead,
                    tombstone,
                } => {
                    let first = *first.entry(version.clone()).or_insert(*began);
                    for token in tokens {
                        newest.insert(*token, version.clone());
                        self.owners.insert(*token, *account);
                        self.puts.entry(*token).or_default().push(Put {
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
                WorkerEvent::RequestSent { send, grant, token } => {
                    let claim = newest.get(token);
                    let request = TokenRequest {
                        worker: name.to_owned(),
                        grant: *grant,
                        token: *token,
                        at: line.at,
                        answer: None,
                        claimed: claim.and_then(|version| first.get(version)).copied(),
                    };
                    self.requests.insert(key(*send), request);
                }
                WorkerEvent::RequestAnswered {
                    send,
                    status,
                    issued,
                } => {
                    if let Some(request) = self.requests.get_mut(&key(*send)) {
                        request.answer = Some(Answer {
                            at: line.at,
                            status: *status,
                            issued: *issued,
                        });
                        if let Some(issued) = issued {
                            self.successors.insert(request.token, *issued);
                        }
                    }
                }
                WorkerEvent::LoginStarted { op, account, code } => {
                    self.owners.insert(*code, *account);
                    open.insert(*op, self.begin(*account, Some(*code), line.at));
                }
                WorkerEvent::DisconnectStarted { op, account } => {
                    open.insert(*op, self.begin(*account, None, line.at));
                }
                // A login that failed before the user's approval has no start.
                WorkerEvent::LoginFinished { op, error, .. }
                | WorkerEvent::DisconnectFinished { op, error, .. } => {
                    if let Some((account, place)) = open.remove(op) {
                        self.end(account, place, line.at, error.is_some());
                    }
                }
                _ => {}
            }
        }
    }

    fn begin(&mut self, account: usize, code: Option<Fingerprint>, at: Micros) -> (usize, usize) {
        let ops = self.ops.entry(account).or_default();
        ops.push(Operation {
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

    /// Assigns tokens that were never written to the account of their predecessors.
    fn own_chains(&mut self) {
        let mut grown = true;
        while grown {
            grown = false;
            for (token, next) in &self.successors {
                if let Some(owner) = self.owners.get(token).copied()
                    && self.owners.insert(*next, owner).is_none()
                {
                    grown = true;
                }
            }
        }
    }

    /// Returns when a record with the token was first known to be in the store.
    pub(super) fn written(&self, token: Fingerprint) -> Option<Micros> {
        let puts = self.puts.get(&token)?;
        puts.iter().find(|put| put.landed()).map(|put| put.ended)
    }

    /// Returns whether the token was in the store: its write was confirmed, or a process used it.
    pub(super) fn reached_store(&self, token: Fingerprint) -> bool {
        self.written(token).is_some() || self.presented.contains(&token)
    }

    /// Returns whether an operation took effect: for a login, whether its tokens reached the store.
    pub(super) fn took_effect(&self, op: &Operation) -> bool {
        match op.code {
            Some(code) => self
                .successors
                .get(&code)
                .is_some_and(|issued| self.reached_store(*issued)),
            None => true,
        }
    }

    /// Returns when the tokens of a login were first known to be in the store.
    pub(super) fn written_by(&self, login: &Operation) -> Option<Micros> {
        self.written(*self.successors.get(&login.code?)?)
    }

    /// Returns when the store was first known to record the token's refusal.
    pub(super) fn marked_dead(&self, token: Fingerprint) -> Option<Micros> {
        let mut puts = self.puts.get(&token)?.iter();
        puts.find(|put| put.landed() && put.dead)
            .map(|put| put.ended)
    }
}
