//! Before anything is presented: what the store has, and the attempt.

use super::{Refresh, RefreshEnd, RefreshOutcome, Stage};
use crate::{
    machine::{Context, Effect, Moment, Reconciled, Step, Stored, Write, reconcile},
    record::{Record, State, Tokens},
};

impl<T: Tokens> Refresh<T> {
    /// Looks at what is in the store and decides whether the token may be presented.
    pub(super) fn admit(
        &mut self,
        found: Option<Stored<T>>,
        cx: &Context,
    ) -> Step<T, RefreshEnd<T>> {
        match reconcile(&self.rules, self.ours.as_ref(), found, cx.version) {
            Reconciled::Nothing => {
                self.ours = None;
                self.end(RefreshOutcome::NotConnected)
            }
            Reconciled::Restore(write) => {
                self.restored = true;
                self.stage = Stage::Restoring(write.clone());
                write.now()
            }
            Reconciled::Entomb(write) => {
                self.stage = Stage::Restoring(write.clone());
                write.now()
            }
            Reconciled::Stands(stored) => {
                let stored = self.amended(stored);
                self.consider(stored, cx)
            }
        }
    }

    /// What the store has, with what the answer to our attempt meant where that could not be written.
    fn amended(&self, mut there: Stored<T>) -> Stored<T> {
        if let Some(ours) = self.ours.as_ref().map(|stored| &stored.record)
            && self.is_of_our_attempt(ours, &there.record)
        {
            there.record.state = ours.state.clone();
        }
        there
    }

    /// Whether nothing but a login's beginning or end has come over our attempt on the same tokens: then `ours` knows more.
    pub(super) fn is_of_our_attempt(&self, ours: &Record<T>, there: &Record<T>) -> bool {
        let (Some(ours), Some(theirs)) = (ours.live(), there.live()) else {
            return false;
        };
        let attempt = theirs.attempt.map(|attempt| attempt.id);
        ours.stamp() == theirs.stamp() && attempt.is_some_and(|id| self.released.contains(&id))
    }

    pub(super) fn consider(&mut self, stored: Stored<T>, cx: &Context) -> Step<T, RefreshEnd<T>> {
        self.ours = Some(stored.clone());
        let live = match &stored.record.state {
            State::Empty => return self.end(RefreshOutcome::NotConnected),
            State::Ended(_) => return self.end(RefreshOutcome::Overtaken { revoke: None }),
            State::Live(live) => live,
        };
        if *self.wanted.get_or_insert(live.stamp()) != live.stamp() {
            return self.end(RefreshOutcome::Adopted);
        }
        if let Some(attempt) = live.attempt.filter(|a| !self.released.contains(&a.id)) {
            self.stage = Stage::Watching;
            let lease = std::time::Duration::from_millis(attempt.lease);
            return Step::Do(Effect::Watch { stored, lease });
        }
        match live.obstacle(&self.rules, cx.wall) {
            Some(failure) => self.end(RefreshOutcome::Failed(failure)),
            None => self.claim(&stored, cx),
        }
    }

    /// Writes the attempt down before anything is sent.
    pub(super) fn claim(&mut self, stored: &Stored<T>, cx: &Context) -> Step<T, RefreshEnd<T>> {
        let mut record = stored.record.clone();
        if let State::Live(live) = &mut record.state {
            let digest = live.tokens.refresh_digest().unwrap_or_default();
            live.attempt = Some(self.rules.attempt(cx.id, digest));
            live.presented = live.presented.saturating_add(1);
        }
        let write = Write {
            version: cx.version,
            expected: Some(stored.version),
            record: Some(record),
        };
        self.stage = Stage::Claiming {
            write: write.clone(),
            since: cx.now(),
            tries: 1,
        };
        write.now()
    }

    pub(super) fn claimed(
        &mut self,
        write: Write<T>,
        since: Moment,
        cx: &Context,
    ) -> Step<T, RefreshEnd<T>> {
        let record = write.record.expect("a claim writes a record");
        let live = record.live().expect("a claim is made on live tokens");
        if !self.rules.may_send(since, cx.now()) {
            // Another may think this lease dead by the time the answer came: send nothing, look again.
            self.released.extend(live.attempt.map(|a| a.id));
            return self.read();
        }
        let tokens = live.tokens.clone();
        self.stage = Stage::Sending(Stored {
            version: write.version,
            record,
        });
        Step::Do(Effect::Send(Some(tokens)))
    }
}
