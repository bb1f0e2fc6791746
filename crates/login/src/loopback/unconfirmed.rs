//! The answers that the person has to confirm.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use tokenkeeper_engine::protocol::Redirect;

/// How many answers are kept; beyond it, the first ones are forgotten.
const MAX_ANSWERS: usize = 16;

/// Answers without a state, each under the nonce of the page that asks about it.
///
/// Such an answer is the provider's, or that of another site's link with another person's code. It
/// stays here, so the page that asks needs no code in its address.
#[derive(Default)]
pub(super) struct Unconfirmed(Mutex<VecDeque<(String, Redirect)>>);

impl Unconfirmed {
    pub(super) fn insert(&self, nonce: String, answer: Redirect) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() == MAX_ANSWERS {
            answers.pop_front();
        }
        answers.push_back((nonce, answer));
    }

    /// Returns the answer that this page asks about.
    pub(super) fn find(&self, nonce: &str) -> Option<Redirect> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answers = answers.iter();
        let found = answers.find(|(given, _)| given == nonce);
        found.map(|(_, answer)| answer.clone())
    }
}
