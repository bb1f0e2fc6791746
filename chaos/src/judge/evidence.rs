//! What is known of a run.

use std::{collections::BTreeMap, fmt};

use crate::{
    mark::Mark,
    said::{End, Line, Micros},
};

/// What is known of a run. Times are the machine's, the same for all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// The workers by name; a slot has one after the other.
    pub(crate) lives: BTreeMap<String, Life>,
    /// What was done to the store, to the provider and to this process.
    pub(crate) troubles: Vec<Trouble>,
    /// The emulator's log.
    pub(crate) presentations: Vec<Shown>,
    /// How each account is in the end.
    pub(crate) ends: BTreeMap<usize, End>,
}

/// A worker, from its start to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    pub(crate) slot: usize,
    pub(crate) lines: Vec<Line>,
    pub(crate) stops: Vec<Span>,
    /// When SIGKILL was sent.
    pub(crate) killed: Option<Micros>,
    /// When it was gone.
    pub(crate) ended: Option<Micros>,
    /// What is wrong with its end, if anything is.
    pub(crate) problem: Option<String>,
}

impl Life {
    /// How much of a span it was stopped for.
    pub(super) fn stopped(&self, span: Span) -> Micros {
        self.stops.iter().map(|stop| stop.common(span)).sum()
    }
}

/// From, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Micros,
    pub(crate) to: Micros,
}

impl Span {
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }

    /// How long both last together.
    pub(crate) fn common(self, other: Self) -> Micros {
        let from = self.from.max(other.from);
        self.to.min(other.to).saturating_sub(from)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    pub(crate) span: Span,
    pub(crate) what: &'static str,
    /// Whom it befell; all, where that is not said.
    pub(crate) slot: Option<usize>,
}

/// A presentation of a refresh token, as the emulator saw it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// Its place among all beginnings and ends of presentations.
    pub(crate) order: u64,
    pub(crate) mark: Mark,
    /// Who sent it.
    pub(crate) worker: String,
    /// Its number among what that worker sent.
    pub(crate) send: u64,
    pub(crate) began: Micros,
    pub(crate) ended: Option<Micros>,
    pub(crate) abandoned: bool,
    pub(crate) outcome: ShownOutcome,
    pub(crate) concurrent: usize,
    pub(crate) after_answer: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShownOutcome {
    /// New tokens were issued: it is spent.
    Granted,
    Refused,
    /// The provider never looked at it.
    Unseen,
}

/// In the emulator's own words.
impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            ShownOutcome::Granted => "granted",
            ShownOutcome::Refused => "refused",
            ShownOutcome::Unseen => "not looked at",
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
        for (_, note) in notes.iter().filter(|(holds, _)| *holds) {
            f.write_str(note)?;
        }
        Ok(())
    }
}
