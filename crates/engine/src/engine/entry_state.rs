//! What changes about an account in memory, in one word.

use std::sync::atomic::{AtomicU64, Ordering};

/// The number of an account's publications, and its flags.
///
/// A front that remembers the word sees in one comparison that all it remembers still holds.
#[derive(Debug, Default)]
pub(crate) struct EntryState(AtomicU64);

/// Whether the current token was obtained because of a rejection and is not accepted yet.
const ON_TRIAL: u64 = 1;

/// Whether the account was used since the last call of `take_touch`: a flag, since every request
/// sets it.
const TOUCHED: u64 = 1 << 1;

/// Whether the registry is removing the entry: a caller that still finds it looks again.
const RETIRED: u64 = 1 << 2;

/// One publication. The number takes the rest of the word, which no process fills.
const PUBLICATION: u64 = 1 << 3;

impl EntryState {
    /// Returns the word, to be remembered with what is read after it.
    #[inline(always)]
    pub(crate) fn load(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Sets whether the token that is published next is on trial.
    pub(crate) fn set_on_trial(&self, on: bool) {
        self.set(ON_TRIAL, on, Ordering::AcqRel);
    }

    #[inline]
    pub(crate) fn is_on_trial(&self) -> bool {
        Self::is_trial(self.load())
    }

    /// Returns whether the token of a remembered word is on trial.
    #[inline]
    pub(crate) fn is_trial(word: u64) -> bool {
        word & ON_TRIAL != 0
    }

    /// Counts a publication. A word from before it no longer holds, so the call comes after the
    /// change.
    pub(crate) fn count_publication(&self) {
        self.0.fetch_add(PUBLICATION, Ordering::AcqRel);
    }

    /// Marks the account as used, and returns the word.
    #[inline]
    pub(crate) fn touch(&self) -> u64 {
        let state = self.load();
        if state & TOUCHED != 0 {
            return state;
        }
        self.set(TOUCHED, true, Ordering::AcqRel) | TOUCHED
    }

    pub(crate) fn is_touched(&self) -> bool {
        self.load() & TOUCHED != 0
    }

    /// Returns whether the account was used since the last call.
    pub(crate) fn take_touch(&self) -> bool {
        // Most entries of a sweep were not used, and need no write.
        self.is_touched() && self.set(TOUCHED, false, Ordering::AcqRel) & TOUCHED != 0
    }

    #[inline]
    pub(crate) fn is_retired(&self) -> bool {
        self.0.load(Ordering::SeqCst) & RETIRED != 0
    }

    /// Sets whether the registry is removing the entry, and returns what it was.
    pub(crate) fn set_retired(&self, on: bool) -> bool {
        self.set(RETIRED, on, Ordering::SeqCst) & RETIRED != 0
    }

    /// Sets or clears a flag, and returns the word before.
    fn set(&self, flag: u64, on: bool, order: Ordering) -> u64 {
        if on {
            self.0.fetch_or(flag, order)
        } else {
            self.0.fetch_and(!flag, order)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_but_a_use_again_changes_the_word() {
        let state = EntryState::default();
        let mut words = vec![state.load(), state.touch()];
        assert_eq!(state.touch(), state.load());
        let changes: [fn(&EntryState); 4] = [
            EntryState::count_publication,
            |state| state.set_on_trial(true),
            EntryState::count_publication,
            |state| assert!(!state.set_retired(true)),
        ];
        for change in changes {
            change(&state);
            words.push(state.load());
        }
        assert!(words.windows(2).all(|pair| pair[0] < pair[1]), "{words:?}");
        assert!(state.is_on_trial() && state.is_touched() && state.is_retired());
        assert!(state.take_touch() && !state.take_touch());
        assert!(state.set_retired(false) && !state.is_retired());
        state.set_on_trial(false);
        assert_eq!(state.load(), 2 * PUBLICATION);
    }
}
