//! What became of each token set that the provider issued.

use super::{
    Life, Shown, ShownOutcome, Span,
    court::Court,
    facts::{Op, Sending},
    repeats::micros,
    verdict::{Cause, Loss},
};
use crate::{
    said::{Grant, Line, Micros, Said},
    terms::{DEADLINE, LEASE},
};

/// A process that waits for an answer, or for the next try of a write, says something at least this often.
const BUSY: Micros = 2_500_000;

/// A process that gets no time of the machine for so long may miss an answer that came in time.
const STARVED: Micros = 90_000;

/// How much of the deadline a stop takes at most.
const SLICE: Micros = 100_000;

impl Court<'_> {
    /// Every token set that was issued reached the store, was superseded, or went down with its process.
    pub(super) fn fates(&mut self) {
        let (evidence, index) = (self.evidence, self.index);
        let granted = |shown: &&Shown| shown.outcome == ShownOutcome::Granted;
        for shown in evidence.presentations.iter().filter(granted) {
            self.verdict.refreshes += 1;
            let key = (shown.worker.clone(), shown.send);
            if let Some(sending) = index.sendings.get(&key) {
                self.fate(sending, Some(shown));
            }
        }
        let mut codes: Vec<&Sending> = index.sendings.values().collect();
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
        if sending.gave().is_some_and(|gave| self.index.saved(gave)) {
            return;
        }
        let account = self.index.owners.get(&sending.mark).copied();
        if let Some((cause, over)) = self.named(sending, shown) {
            let loss = Loss {
                account,
                cause,
                worker: sending.worker.clone(),
                at: sending.at,
                over,
                shown: shown.map(Shown::to_string),
                afterwards: self.afterwards(account, sending),
            };
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
        let what = match sending.grant {
            Grant::Refresh => "refresh token",
            Grant::Code => "code",
        };
        let text = format!("{what} {} by {}: {text}", sending.mark, sending.worker);
        self.violation(account, Some(sending.at), text);
    }

    /// The cause of a loss that nobody could have prevented, and when the process was killed or gave up.
    fn named(&self, sending: &Sending, shown: Option<&Shown>) -> Option<(Cause, Micros)> {
        let killed = self.killed_over(sending);
        match (sending.grant, sending.answer, killed) {
            (Grant::Code, _, Some(killed)) => Some((Cause::Login, killed)),
            (Grant::Refresh, None, Some(killed)) => Some((Cause::BeforeAnswer, killed)),
            (Grant::Refresh, Some(answer), Some(killed)) if answer.gave.is_some() => {
                Some((Cause::BeforeWrite, killed))
            }
            (Grant::Refresh, Some(answer), _) if answer.gave.is_none() => {
                let cause = self.unread(sending, shown?, answer.at)?;
                Some((cause, answer.at))
            }
            _ => None,
        }
    }

    /// Why a process that lived did not read an answer; nothing excuses it where the answer came in time and the process ran.
    fn unread(&self, sending: &Sending, shown: &Shown, gave_up: Micros) -> Option<Cause> {
        let span = Span {
            from: sending.at,
            to: gave_up,
        };
        let life = self.evidence.lives.get(&sending.worker)?;
        let stopped = life.stopped(span);
        let stops = life.stops.iter().filter(|stop| stop.overlaps(span));
        let slices = SLICE * stops.count() as Micros;
        let patience = (stopped + micros(DEADLINE)).saturating_sub(slices);
        if shown.ended.is_none_or(|at| at > sending.at + patience) {
            return Some(Cause::Late);
        }
        let starved = |line: &Line| match line.said {
            Said::Stalled { from } => {
                let stall = Span { from, to: line.at };
                stall.overlaps(span) && (stall.to - from) > life.stopped(stall) + STARVED
            }
            _ => false,
        };
        life.lines.iter().any(starved).then_some(Cause::Starved)
    }

    /// When the process was killed, if it was busy with this until then: waiting for the answer, or trying to write it.
    fn killed_over(&self, sending: &Sending) -> Option<Micros> {
        let life = self.evidence.lives.get(&sending.worker)?;
        let killed = life.killed?;
        (killed <= self.busy_until(sending, life)).then_some(killed)
    }

    /// Until when the process may have been at it without saying anything more.
    fn busy_until(&self, sending: &Sending, life: &Life) -> Micros {
        // Without an answer it listens for the whole deadline.
        let listens = sending.at + micros(DEADLINE);
        let mut last = sending.answer.map_or(listens, |answer| answer.at);
        let puts = sending.gave().and_then(|gave| self.index.puts.get(&gave));
        // Each try shows that it was still at it.
        for put in puts.into_iter().flatten() {
            if put.worker == sending.worker {
                last = last.max(put.ended);
            }
        }
        let mut until = last + BUSY;
        for stop in &life.stops {
            if stop.to > last && stop.from < until {
                until = until.saturating_add(stop.to - stop.from.max(last));
            }
        }
        until
    }

    /// Whether a newer login, or a disconnect, came while the process was at it.
    fn superseded(&self, account: usize, sending: &Sending) -> bool {
        let Some(life) = self.evidence.lives.get(&sending.worker) else {
            return false;
        };
        let to = match sending.answer {
            // Nothing was left to write: a later login is no excuse.
            Some(answer) if answer.gave.is_none() => answer.at,
            _ => self.busy_until(sending, life),
        };
        let span = Span {
            from: sending.claimed.unwrap_or(sending.at),
            to,
        };
        let meets = |op: &Op| {
            // What failed for its caller may go on for an attempt's length: the caller waits no longer than that. And while the store is
            // down a login is over for its caller before its tokens are written.
            let more = if op.failed { micros(LEASE) } else { 0 };
            let over = op.ended.map_or(u64::MAX, |ended| ended + more);
            let to = over.max(self.index.written_by(op).unwrap_or(0));
            op.code != Some(sending.mark)
                && self.index.stands(op)
                && Span { from: op.began, to }.overlaps(span)
        };
        let ops = self.index.ops.get(&account);
        ops.is_some_and(|ops| ops.iter().any(meets))
    }

    /// What became of the account.
    fn afterwards(&self, account: Option<usize>, sending: &Sending) -> &'static str {
        let Some(ops) = account.and_then(|account| self.index.ops.get(&account)) else {
            return "no account yet";
        };
        if sending.grant == Grant::Code {
            return "the account kept what it had";
        }
        // Under way then, or later.
        let after =
            |op: &&Op| op.ended.is_none_or(|ended| ended >= sending.at) && self.index.stands(op);
        match ops.iter().filter(after).min_by_key(|op| op.ended) {
            Some(op) if op.is_login() => "connected again",
            Some(_) => "disconnected",
            None => "lost",
        }
    }
}
