//! The judgement.

use std::collections::{BTreeMap, HashMap};

use super::{
    Evidence, Shown, ShownOutcome, Span,
    index::{Index, Op, Sending},
    repeats::{excuse, micros},
};
use crate::{
    said::{Calls, End, Grant, Line, Mark, Micros, Said},
    terms::{DEADLINE, LEASE},
};

/// What became of everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) violations: Vec<Violation>,
    /// Second and further presentations, all within the rule.
    pub(crate) repeats: Vec<Repeat>,
    /// Token sets that nobody could have saved.
    pub(crate) losses: Vec<Loss>,
    /// How many refresh tokens were redeemed.
    pub(crate) refreshes: usize,
    pub(crate) logins: usize,
    pub(crate) disconnects: usize,
    pub(crate) calls: Calls,
    /// Accounts by how they are in the end.
    pub(crate) ends: BTreeMap<&'static str, usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) account: Option<usize>,
    /// When, where there is a moment.
    pub(crate) at: Option<Micros>,
    pub(crate) text: String,
    /// It is a presentation outside the rule.
    pub(crate) presented: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Repeat {
    pub(crate) why: String,
}

/// A token set that the provider issued, and that went down with a process.
#[derive(Clone, Debug)]
pub(crate) struct Loss {
    pub(crate) account: Option<usize>,
    pub(crate) stage: Stage,
    pub(crate) worker: String,
    pub(crate) at: Micros,
    pub(crate) killed: Micros,
    /// The emulator's own words on the presentation; a code has none.
    pub(crate) shown: Option<String>,
    pub(crate) afterwards: String,
}

/// Where the process was when it was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// The request was out, the answer not yet read.
    BeforeAnswer,
    /// The answer was read, and not yet written.
    BeforeWrite,
    /// Nobody was killed: the provider's answer came after the deadline.
    Late,
    /// Nobody was killed: the process was stopped with its request on the way out, and gave up when it woke.
    Overslept,
    /// The answer came in time, but the machine did not let the process read it.
    Starved,
    /// As the first two, with the code of a login, whose account keeps what it had.
    Login,
}

impl Stage {
    /// Whether this takes a rare coincidence, which is worth a look.
    pub(crate) fn is_rare(self) -> bool {
        matches!(self, Self::Late | Self::Overslept | Self::Starved)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BeforeAnswer => "killed while the answer was on its way",
            Self::BeforeWrite => "killed between answer and write",
            Self::Late => "the provider answered after the deadline",
            Self::Overslept => {
                "stopped past the deadline with its request on the way out, and gave up on waking"
            }
            Self::Starved => "the machine did not let the process read the answer in time",
            Self::Login => "killed in a login, between sending the code and the write",
        }
    }
}

/// A process that waits for an answer, or for the next try of a write, says something at least this often.
const BUSY: Micros = 2_500_000;

/// A process that gets no time of the machine for so long may miss an answer that came in time.
const STARVED: Micros = 90_000;

pub(crate) fn judge(evidence: &Evidence, accounts: usize) -> Verdict {
    let index = Index::of(evidence);
    let mut court = Court {
        evidence,
        index: &index,
        verdict: Verdict::default(),
    };
    court.presentations();
    court.fates();
    court.processes();
    court.ends(accounts);
    court.count();
    court.verdict.violations.sort_by_key(|v| v.at);
    court.verdict
}

struct Court<'a> {
    evidence: &'a Evidence,
    index: &'a Index,
    verdict: Verdict,
}

impl Court<'_> {
    fn violation(&mut self, account: Option<usize>, at: Option<Micros>, text: String) {
        self.verdict.violations.push(Violation {
            account,
            at,
            text,
            presented: false,
        });
    }

    fn presented(&mut self, shown: &Shown, text: String) {
        self.verdict.violations.push(Violation {
            account: self.index.owners.get(&shown.mark).copied(),
            at: Some(shown.began),
            text,
            presented: true,
        });
    }

    /// Every presentation after the first must have its reason.
    fn presentations(&mut self) {
        let mut by_token: HashMap<Mark, Vec<&Shown>> = HashMap::new();
        for shown in &self.evidence.presentations {
            by_token.entry(shown.mark).or_default().push(shown);
        }
        let mut tokens: Vec<_> = by_token.into_values().collect();
        tokens.sort_by_key(|shown| shown[0].order);
        for shown in tokens {
            for (number, later) in shown.iter().enumerate() {
                self.claimed(later);
                let mut why = None;
                for earlier in &shown[..number] {
                    match excuse(self.evidence, self.index, earlier, later) {
                        Ok(excuse) => why = Some(excuse),
                        Err(broken) => {
                            let text = format!(
                                "refresh token {}: {} by {}: {broken} ({} by {})",
                                later.mark,
                                later.describe(),
                                later.worker,
                                earlier.describe(),
                                earlier.worker,
                            );
                            self.presented(later, text);
                        }
                    }
                }
                self.verdict.repeats.extend(why.map(|why| Repeat { why }));
            }
        }
    }

    /// Nothing is presented without an attempt that was written first.
    fn claimed(&mut self, shown: &Shown) {
        let key = (shown.worker.clone(), shown.send);
        let claimed = self.index.sendings.get(&key).and_then(|s| s.claimed);
        if claimed.is_none() {
            let text = format!(
                "refresh token {}: {} by {}: no attempt was written first",
                shown.mark,
                shown.describe(),
                shown.worker
            );
            self.presented(shown, text);
        }
    }

    /// Every token set that was issued reached the store, was superseded, or went down with its process.
    fn fates(&mut self) {
        let granted = |shown: &&Shown| shown.outcome == ShownOutcome::Granted;
        for shown in self.evidence.presentations.iter().filter(granted) {
            self.verdict.refreshes += 1;
            let key = (shown.worker.clone(), shown.send);
            if let Some(sending) = self.index.sendings.get(&key) {
                self.fate(sending, Some(shown));
            }
        }
        let mut codes: Vec<&Sending> = self.index.sendings.values().collect();
        codes.retain(|sending| sending.grant == Grant::Code);
        codes.sort_by_key(|sending| sending.at);
        for code in codes {
            // Of a code that no answer came for it is not known whether it was redeemed; its login failed either way.
            if code.answer.is_none_or(|answer| answer.gave.is_some()) {
                self.fate(code, None);
            }
        }
    }

    fn fate(&mut self, sending: &Sending, shown: Option<&Shown>) {
        let gave = sending.answer.and_then(|answer| answer.gave);
        if gave.is_some_and(|gave| self.index.saved(gave)) {
            return;
        }
        let account = self.index.owners.get(&sending.mark).copied();
        let loss = |stage, killed: Micros| Loss {
            account,
            stage,
            worker: sending.worker.clone(),
            at: sending.at,
            killed,
            shown: shown.map(Shown::describe),
            afterwards: self.afterwards(account, sending),
        };
        let killed = self.killed_over(sending);
        let named = match (sending.grant, sending.answer, killed) {
            (Grant::Code, _, Some(killed)) => Some(loss(Stage::Login, killed)),
            (Grant::Refresh, None, Some(killed)) => Some(loss(Stage::BeforeAnswer, killed)),
            (Grant::Refresh, Some(answer), Some(killed)) if answer.gave.is_some() => {
                Some(loss(Stage::BeforeWrite, killed))
            }
            (Grant::Refresh, Some(answer), _) if answer.gave.is_none() => {
                let stage = shown.and_then(|shown| self.unread(sending, shown, answer.at));
                stage.map(|stage| loss(stage, answer.at))
            }
            _ => None,
        };
        if let Some(loss) = named {
            self.verdict.losses.push(loss);
            return;
        }
        if account.is_some_and(|account| self.superseded(account, sending)) {
            return;
        }
        let text = match sending.answer {
            Some(answer) if answer.gave.is_some() => {
                "an answer that a living process had is neither in the store nor superseded"
            }
            Some(_) => "the provider answered, and a living process took it for no answer",
            None => "a living process never said what came of its request",
        };
        let text = format!(
            "what came for {} {} (by {}): {text}",
            match sending.grant {
                Grant::Refresh => "refresh token",
                Grant::Code => "code",
            },
            sending.mark,
            sending.worker
        );
        self.violation(account, Some(sending.at), text);
    }

    /// Why a process that lived did not read an answer; nothing excuses it where the answer came in time and the process ran.
    fn unread(&self, sending: &Sending, shown: &Shown, gave_up: Micros) -> Option<Stage> {
        let span = Span {
            from: sending.at,
            to: gave_up,
        };
        let life = self.evidence.lives.get(&sending.worker)?;
        let late = |since: Micros| shown.ended.is_none_or(|at| at > since + micros(DEADLINE));
        if late(sending.at) {
            let stops = life.stops.iter().filter(|stop| stop.overlaps(span));
            let woke = stops.map(|stop| stop.to).max();
            return Some(if woke.is_some_and(|woke| !late(woke)) {
                Stage::Overslept
            } else {
                Stage::Late
            });
        }
        let starved = |line: &Line| match line.said {
            Said::Stalled { from } => {
                let stall = Span { from, to: line.at };
                let stopped: Micros = life.stops.iter().map(|stop| stop.common(stall)).sum();
                stall.overlaps(span) && (stall.to - from).saturating_sub(stopped) > STARVED
            }
            _ => false,
        };
        life.lines.iter().any(starved).then_some(Stage::Starved)
    }

    /// When the process was killed, if it was busy with this until then: waiting for the answer, or trying to write it.
    fn killed_over(&self, sending: &Sending) -> Option<Micros> {
        let life = self.evidence.lives.get(&sending.worker)?;
        let killed = life.killed?;
        let gave = sending.answer.and_then(|answer| answer.gave);
        let mut since = sending.answer.map_or(sending.at, |answer| answer.at);
        if let Some(puts) = gave.and_then(|gave| self.index.puts.get(&gave)) {
            // Each try shows that it was still at it.
            let own = puts.iter().filter(|put| put.worker == sending.worker);
            since = own.map(|put| put.ended).fold(since, Micros::max);
        }
        let span = Span {
            from: since,
            to: killed,
        };
        let stopped: Micros = life.stops.iter().map(|stop| stop.common(span)).sum();
        (killed.saturating_sub(since).saturating_sub(stopped) <= BUSY).then_some(killed)
    }

    /// Whether a newer login, or a disconnect, came between.
    fn superseded(&self, account: usize, sending: &Sending) -> bool {
        let from = sending.claimed.unwrap_or(sending.at);
        let answered = sending.answer.map_or(sending.at, |answer| answer.at);
        let span = Span {
            from,
            to: answered + 4 * micros(LEASE),
        };
        let ops = self.index.ops.get(&account);
        let meets = |op: &Op| {
            let to = op.ended.unwrap_or(u64::MAX);
            op.code != Some(sending.mark)
                && self.index.stands(op)
                && Span { from: op.began, to }.overlaps(span)
        };
        ops.is_some_and(|ops| ops.iter().any(meets))
    }

    /// What became of the account.
    fn afterwards(&self, account: Option<usize>, sending: &Sending) -> String {
        let Some(ops) = account.and_then(|account| self.index.ops.get(&account)) else {
            return "no account yet".into();
        };
        if sending.grant == Grant::Code {
            return "the account kept what it had".into();
        }
        // Under way then, or later.
        let after =
            |op: &&Op| op.ended.is_none_or(|ended| ended >= sending.at) && self.index.stands(op);
        match ops.iter().filter(after).min_by_key(|op| op.ended) {
            Some(op) if op.is_login() => "connected again".into(),
            Some(_) => "disconnected".into(),
            None => "lost".into(),
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

    fn ends(&mut self, accounts: usize) {
        for account in 0..accounts {
            let end = self.evidence.ends.get(&account);
            let (name, wrong) = match end {
                Some(End::Works) => ("works", None),
                Some(End::Disconnected) => (
                    "disconnected",
                    (!self.was_disconnected(account)).then(|| "nobody disconnected it".to_owned()),
                ),
                Some(End::Lost { cause }) => (
                    "lost",
                    (!self.was_lost(account))
                        .then(|| format!("it is lost ({cause}), and nobody was killed over it")),
                ),
                Some(End::NotConnected) => {
                    let wrong = self.was_connected(account);
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

    fn was_connected(&self, account: usize) -> bool {
        self.logins(account).next().is_some()
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
            let of_it = loss.account == Some(account) && loss.stage != Stage::Login;
            of_it && last.is_none_or(|last| loss.at > last)
        })
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
