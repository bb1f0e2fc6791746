//! Checks the promises over the evidence of a run.
//!
//! The rule: no refresh token is presented twice, unless the earlier presentation came back
//! undecided or its holder was delayed past its lease; and never once the store has the outcome.
//! Each new token set reaches the store, is superseded by a newer login or a disconnect, or is lost
//! because its holder was killed between the request and the write.

mod check;
mod evidence;
mod facts;
mod final_states;
mod index;
mod outcomes;
mod repeats;
mod timeline;
mod verdict;

pub(crate) use check::judge;
pub(crate) use evidence::{
    Disturbance, Evidence, Presentation, PresentationOutcome, Span, WorkerLog,
};
pub(crate) use timeline::timeline;
pub(crate) use verdict::{Cause, Loss, Verdict};

#[cfg(test)]
mod tests;
