//! Says what became of each refresh token, and whether the promises were kept.
//!
//! The rule: no refresh token is presented twice, unless the earlier presentation came back without a decision, or its holder was held up
//! past its lease; and never once what came of it is in the store. Every new token set reaches the store, is superseded by a newer login
//! or a disconnect, or its holder was killed between its sending and its writing.

mod court;
mod ends;
mod evidence;
mod facts;
mod fates;
mod index;
mod repeats;
mod timeline;
mod verdict;

pub(crate) use court::judge;
pub(crate) use evidence::{Evidence, Life, Shown, ShownOutcome, Span, Trouble};
pub(crate) use timeline::timeline;
pub(crate) use verdict::{Cause, Loss, Verdict};

#[cfg(test)]
mod tests;
