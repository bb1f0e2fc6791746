//! The check of each token set that the provider issued.

use super::{
    Presentation, PresentationOutcome, Span, WorkerLog,
    check::Checker,
    facts::{Operation, TokenRequest},
    repeats::micros,
    verdict::{Cause, Loss},
};
use crate::{
    config::{DEADLINE, LEASE},
    message::{Grant, Line, Micros, WorkerEvent},
};

/// A process that waits for an answer or for the next write reports an event at least this often.
const BUSY: Micros = 2_500_000;

/// A process that does not run for this long may miss an answer that came in time.
const STARVED: Micros = 90_000;

/// The part of the deadline that a stop takes at most.
const SLICE: Micros = 100_000;

impl Checker<'_> {
    /// Checks that each issued token set reached the store, was superseded, or was lost by a kill.
    pub(super) fn check_outcomes(&mut self) {
        let (evidence, index) = (self.evidence, self.index);
        let granted =
            |presentation: &&Presentation| presentation.outcome == PresentationOutcome::Granted;
        for presentation in evidence.presentations.iter().filter(granted) {
            self.verdict.refreshes += 1;
            let key = (presentation.worker.clone(), presentation.send);
            if let Some(request) = index.requests.get(&key) {
                self.check_outcome(request, Some(presentation));
            }
        }
        let mut codes: Vec<&TokenRequest> = index.requests.values().collect();
        codes.retain(|request| request.grant == Grant::Code);
        codes.sort_by_key(|request| request.at);
        for code in codes {
            // A code without an answer may or may not have been redeemed; its login failed anyway.
            if code.answer.is_none_or(|answer| answer.issued.is_some()) {
                self.check_outcome(code, None);
            }
        }
    }

    fn check_outcome(&mut self, request: &TokenRequest, presentation: Option<&Presentation>) {
        if request
            .issued()
            .is_some_and(|issued| self.index.reached_store(issued))
        {
            return;
        }
        let account = self.index.owners.get(&request.token).copied();
        if let Some((cause, over)) = self.named(request, presentation) {
            let loss = Loss {
                account,
                cause,
                worker: request.worker.clone(),
                at: request.at,
                over,
                presentation: presentation.map(Presentation::to_string),
                afterwards: self.afterwards(account, request),
            };
            self.verdict.losses.push(loss);
            return;
        }
        if account.is_some_and(|account| self.superseded(account, request)) {
            return;
        }
        let text = match request.answer {
            Some(answer) if answer.issued.is_some() => {
                "an answer that a living process read is neither in the store nor superseded"
            }
            Some(_) => {
                "the provider answered in time, and a living process did not read the answer"
            }
            None => "a living process never reported the outcome of its request",
        };
        let what = match request.grant {
            Grant::Refresh => "refresh token",
            Grant::Code => "code",
        };
        let text = format!("{what} {} by {}: {text}", request.token, request.worker);
        self.violation(account, Some(request.at), text);
    }

    /// Returns the cause of an unavoidable loss, and when the process was killed or gave up.
    fn named(
        &self,
        request: &TokenRequest,
        presentation: Option<&Presentation>,
    ) -> Option<(Cause, Micros)> {
        let killed = self.killed_over(request);
        match (request.grant, request.answer, killed) {
            (Grant::Code, _, Some(killed)) => Some((Cause::Login, killed)),
            (Grant::Refresh, None, Some(killed)) => Some((Cause::BeforeAnswer, killed)),
            (Grant::Refresh, Some(answer), Some(killed)) if answer.issued.is_some() => {
                Some((Cause::BeforeWrite, killed))
            }
            (Grant::Refresh, Some(answer), _) if answer.issued.is_none() => {
                let cause = self.unread(request, presentation?, answer.at)?;
                Some((cause, answer.at))
            }
            _ => None,
        }
    }

    /// Returns why a living process did not read an answer.
    ///
    /// `None` if the answer came in time and the process ran: that is a violation.
    fn unread(
        &self,
        request: &TokenRequest,
        presentation: &Presentation,
        gave_up: Micros,
    ) -> Option<Cause> {
        let span = Span {
            from: request.at,
            to: gave_up,
        };
        let log = self.evidence.workers.get(&request.worker)?;
        let stopped = log.stopped(span);
        let stops = log.stops.iter().filter(|stop| stop.overlaps(span));
        let slices = SLICE * stops.count() as Micros;
        let patience = (stopped + micros(DEADLINE)).saturating_sub(slices);
        if presentation
            .ended
            .is_none_or(|at| at > request.at + patience)
        {
            return Some(Cause::Late);
        }
        let starved = |line: &Line| match line.event {
            WorkerEvent::Stalled { from } => {
                let stall = Span { from, to: line.at };
                stall.overlaps(span) && (stall.to - from) > log.stopped(stall) + STARVED
            }
            _ => false,
        };
        log.lines.iter().any(starved).then_some(Cause::Starved)
    }

    /// Returns when the process was killed, if it was still waiting for the answer or writing it.
    fn killed_over(&self, request: &TokenRequest) -> Option<Micros> {
        let log = self.evidence.workers.get(&request.worker)?;
        let killed = log.killed?;
        (killed <= self.busy_until(request, log)).then_some(killed)
    }

    /// Returns until when the process may have been busy without a further event.
    fn busy_until(&self, request: &TokenRequest, log: &WorkerLog) -> Micros {
        // Without an answer it waits for the whole deadline.
        let listens = request.at + micros(DEADLINE);
        let mut last = request.answer.map_or(listens, |answer| answer.at);
        let puts = request
            .issued()
            .and_then(|issued| self.index.puts.get(&issued));
        // Each write shows that it was still busy.
        for put in puts.into_iter().flatten() {
            if put.worker == request.worker {
                last = last.max(put.ended);
            }
        }
        let mut until = last + BUSY;
        for stop in &log.stops {
            if stop.to > last && stop.from < until {
                until = until.saturating_add(stop.to - stop.from.max(last));
            }
        }
        until
    }

    /// Returns whether a newer login or a disconnect came while the process was busy.
    fn superseded(&self, account: usize, request: &TokenRequest) -> bool {
        let Some(log) = self.evidence.workers.get(&request.worker) else {
            return false;
        };
        let to = match request.answer {
            // Nothing was left to write, so a later login does not count.
            Some(answer) if answer.issued.is_none() => answer.at,
            _ => self.busy_until(request, log),
        };
        let span = Span {
            from: request.claimed.unwrap_or(request.at),
            to,
        };
        let meets = |op: &Operation| {
            // A failed operation may go on for the length of an attempt, since its caller waits no
            // longer. While the store is down, a login ends for its caller before the write.
            let more = if op.failed { micros(LEASE) } else { 0 };
            let over = op.ended.map_or(u64::MAX, |ended| ended + more);
            let to = over.max(self.index.written_by(op).unwrap_or(0));
            op.code != Some(request.token)
                && self.index.took_effect(op)
                && Span { from: op.began, to }.overlaps(span)
        };
        let ops = self.index.ops.get(&account);
        ops.is_some_and(|ops| ops.iter().any(meets))
    }

    /// Returns the next event of the account.
    fn afterwards(&self, account: Option<usize>, request: &TokenRequest) -> &'static str {
        let Some(ops) = account.and_then(|account| self.index.ops.get(&account)) else {
            return "no account yet";
        };
        if request.grant == Grant::Code {
            return "the account kept its tokens";
        }
        // In flight then, or later.
        let after = |op: &&Operation| {
            op.ended.is_none_or(|ended| ended >= request.at) && self.index.took_effect(op)
        };
        match ops.iter().filter(after).min_by_key(|op| op.ended) {
            Some(op) if op.is_login() => "connected again",
            Some(_) => "disconnected",
            None => "lost",
        }
    }
}
