//! The evidence of a run.

use std::{collections::BTreeMap, fmt};

use crate::{
    fingerprint::Fingerprint,
    message::{FinalState, Line, Micros},
};

/// The evidence of a run. All times are by the machine's clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// The workers by name.
    pub(crate) workers: BTreeMap<String, WorkerLog>,
    /// Disturbances of the store, of the provider and of this process.
    pub(crate) disturbances: Vec<Disturbance>,
    /// The emulator's log.
    pub(crate) presentations: Vec<Presentation>,
    /// The final state of each account.
    pub(crate) final_states: BTreeMap<usize, FinalState>,
}

/// The log of a worker, from its start to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkerLog {
    pub(crate) slot: usize,
    pub(crate) lines: Vec<Line>,
    pub(crate) stops: Vec<Span>,
    /// When SIGKILL was sent.
    pub(crate) killed: Option<Micros>,
    /// When it had ended.
    pub(crate) ended: Option<Micros>,
    /// The problem with its end, if there is one.
    pub(crate) problem: Option<String>,
}

impl WorkerLog {
    /// Returns how long it was stopped within a span.
    pub(super) fn stopped(&self, span: Span) -> Micros {
        self.stops.iter().map(|stop| stop.common(span)).sum()
    }
}

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Micros,
    pub(crate) to: Micros,
}

impl Span {
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }

    /// Returns the length of the overlap.
    pub(crate) fn common(self, other: Self) -> Micros {
        let from = self.from.max(other.from);
        self.to.min(other.to).saturating_sub(from)
    }
}

/// A span in which the store, the provider or a link was disturbed.
#[derive(Clone, Debug)]
pub(crate) struct Disturbance {
    pub(crate) span: Span,
    pub(crate) what: &'static str,
    /// The affected slot; `None` for all.
    pub(crate) slot: Option<usize>,
}

/// A presentation of a refresh token, as the emulator saw it.
#[derive(Clone, Debug)]
pub(crate) struct Presentation {
    /// Its place among the starts and ends of all presentations.
    pub(crate) order: u64,
    pub(crate) token: Fingerprint,
    /// The sender.
    pub(crate) worker: String,
    /// Its number among the worker's requests.
    pub(crate) send: u64,
    pub(crate) began: Micros,
    pub(crate) ended: Option<Micros>,
    pub(crate) abandoned: bool,
    pub(crate) outcome: PresentationOutcome,
    pub(crate) concurrent: usize,
    pub(crate) after_answer: bool,
}

/// The provider's decision on a presentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PresentationOutcome {
    /// New tokens were issued; the token is spent.
    Granted,
    Refused,
    /// The provider never looked at the token.
    Unseen,
}

/// Formats as the emulator does.
impl fmt::Display for Presentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            PresentationOutcome::Granted => "granted",
            PresentationOutcome::Refused => "refused",
            PresentationOutcome::Unseen => "not looked at",
        };
        write!(
            f,
            "no. {} by {}/{}, {outcome}",
            self.order, self.worker, self.send
        )?;
        let notes = [
            (self.abandoned, ", abandoned"),
            (self.concurrent > 0, ", concurrent"),
            (self.after_answer, ", after an answer"),
        ];
        for (_, note) in notes.iter().filter(|(assert_holds, _)| *assert_holds) {
            f.write_str(note)?;
        }
        Ok(())
    }
}
