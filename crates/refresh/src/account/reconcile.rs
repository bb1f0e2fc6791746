//! Merges what this process knows with what the store has.

use std::sync::Arc;

use tokenkeeper_store::Version;

use super::{
    jobs::{ChangeStage, RefreshStage},
    state::Revocation,
    turn::{Observed, Turn},
};
use crate::{
    action::{Failure, Notice, Queue},
    mutation::{Mutation, broken},
    payload::Payload,
    record::{self, Attempt, Live, MergeContext, Record},
};

impl<T: Payload> Turn<'_, T> {
    /// Merges newly received tokens into the known record.
    pub(super) fn merge_tokens(&mut self, live: Live<T>) {
        let ours = Record::of(record::State::Live(live));
        let record = match &self.state.known {
            Some(known) => self.merge(&ours, known, true).record,
            None => ours,
        };
        self.edit(true, |known| *known = record);
        self.restart_pause(None);
    }

    /// Merges two records. `unwritten`: ours has tokens, or their end, that the store does not
    /// have.
    fn merge(&self, ours: &Record<T>, theirs: &Record<T>, unwritten: bool) -> record::Merged<T> {
        let context = MergeContext {
            rules: self.cx.rules,
            wall: self.cx.wall,
            unwritten,
            is_over: &|attempt| self.is_over(attempt),
        };
        record::merge(ours, theirs, context)
    }

    /// Returns whether an attempt is this process's and no longer in flight.
    pub(super) fn is_over(&self, attempt: &Attempt) -> bool {
        if attempt.holder != self.cx.rules.holder || broken(Mutation::FinishedAttemptsForgotten) {
            return false;
        }
        let Some(activity) = self.active() else {
            return true;
        };
        let refreshes = activity.refresh.as_ref().is_some_and(|job| {
            matches!(&job.stage, RefreshStage::Claiming(claim) if claim.id == attempt.id)
                || matches!(&job.stage, RefreshStage::Exchanging(p) if p.attempt.id == attempt.id)
        });
        let changes = activity.changes.iter().any(|change| match &change.stage {
            ChangeStage::Login {
                claim: Some((login, _)),
                ..
            }
            | ChangeStage::Exchanging { login, .. }
            | ChangeStage::Waiting { login, .. } => login.attempt.id == attempt.id,
            _ => false,
        });
        !refreshes && !changes
    }

    /// Takes in what the store has: merges it into the known record, and updates what depends on
    /// it.
    pub(super) fn reconcile(&mut self, found: Option<(Version, Record<T>)>) {
        let version = found.as_ref().map(|(version, _)| *version);
        self.observed = Some(Observed::Version(version));
        self.ended = match &found {
            Some((_, theirs)) if theirs.is_ended() => theirs.number(),
            _ => 0,
        };
        self.state.compared_at = self.cx.now;
        let shown = found
            .as_ref()
            .and_then(|(_, theirs)| theirs.authorization());
        let mut replaced = false;
        let (unwritten, critical) = match self.active() {
            Some(activity) => (activity.unwritten, activity.critical),
            None => (false, false),
        };
        let had_record = self.state.base.is_some();
        self.state.base = version;
        let before = self.state.known.clone();
        let (known, restored) = match (&before, found) {
            (None, None) => (None, false),
            (Some(_), None) if broken(Mutation::LostRecordDropped) => (None, false),
            (Some(ours), None) => {
                let mut ours = ours.clone();
                // Only the store knows whether another process's login is still in flight.
                let gone = ours.login.filter(|login| {
                    let attempt = &login.attempt;
                    attempt.holder != self.cx.rules.holder || self.is_over(attempt)
                });
                if gone.is_some() {
                    let ours = Arc::make_mut(&mut ours);
                    ours.login = None;
                    ours.tidy();
                }
                let is_mark = ours.is_forgotten() && ours.login.is_none();
                let forgets = ours.is_vacant() || is_mark;
                self.set_unwritten(!forgets, ours.number() > 0);
                ((!forgets).then_some(ours), had_record && !forgets)
            }
            (None, Some((_, theirs))) => {
                let merged = self.merge(&Record::empty(), &theirs, false);
                self.set_unwritten(merged.record != theirs, false);
                (Some(Arc::new(merged.record)), false)
            }
            (Some(ours), Some((_, theirs))) => {
                let mut merged = self.merge(ours, &theirs, unwritten && critical);
                self.remove_revoked(&mut merged.record, &theirs);
                let critical = unwritten && critical || is_critical_change(&merged.record, &theirs);
                self.set_unwritten(merged.record != theirs, critical);
                let same = merged.record == **ours;
                let known = if same {
                    ours.clone()
                } else {
                    Arc::new(merged.record)
                };
                (Some(known), merged.restored)
            }
        };
        if known.is_none() {
            self.set_unwritten(false, false);
        }
        self.state.known = known;
        self.restart_pause(before.as_deref());
        if let Some(activity) = self.state.activity.as_deref_mut() {
            if let Some(reading) = &mut activity.read {
                reading.covered = reading.outdated;
            }
            // A notification that came after this call began is not covered by it.
            activity.compare &= self.state.tracker.is_pending();
            activity.trouble = None;
            activity.write_failures = 0;
            activity.parked = false;
            activity.reported_unvalidated = false;
            let known = self.state.known.as_deref();
            // An episode that another process has ended is over here too.
            let failures = known.and_then(Record::live).map(|live| live.failures);
            activity.reported_refused &= failures.is_some_and(|f| f.refused_since.is_some());
            if known.is_none_or(|known| known.revoke.is_empty()) {
                activity.reported_revocation = false;
                if matches!(activity.revocation, Revocation::Claiming(_)) {
                    activity.revocation = Revocation::None;
                }
            }
            activity.restores |= restored;
            if let Some(job) = &mut activity.refresh {
                job.check = false;
            }
            for change in &mut activity.changes {
                change.check = false;
                let unreadable = change.unreadable.take().is_some();
                if matches!(change.stage, ChangeStage::Forget { .. }) {
                    change.landed |= unreadable;
                }
                if let ChangeStage::Settling { authorization, .. } = change.stage
                    && shown == Some(authorization)
                {
                    change.landed = true;
                    replaced |= unreadable;
                }
            }
        }
        if replaced {
            self.emit(Notice::UnreadableReplaced);
        }
        if self.active().is_some_and(|activity| activity.recheck) {
            // A caller arrived after this call was sent and needs another one.
            let activity = self.activity();
            (activity.recheck, activity.compare) = (false, true);
            return;
        }
        match self.state.known {
            // Waiters are woken once the unwritten changes are written.
            Some(_) if self.is_unwritten() => {}
            Some(_) => self.resolve(Queue::Comparison, Ok(())),
            None => self.resolve(Queue::Comparison, Err(Failure::NotConnected)),
        }
    }

    /// Removes the tokens that this process has revoked from the list while the store still has
    /// them.
    fn remove_revoked(&mut self, record: &mut Record<T>, theirs: &Record<T>) {
        let Some(activity) = self.state.activity.as_deref_mut() else {
            return;
        };
        let Some(revoked) = &activity.revoked else {
            return;
        };
        if theirs.revoke.contains(revoked) {
            record.revoke.retain(|listed| listed != revoked);
            record.revocation = record::Failures::default();
            record.tidy();
        } else {
            activity.revoked = None;
        }
    }

    fn set_unwritten(&mut self, unwritten: bool, critical: bool) {
        if unwritten || self.state.activity.is_some() {
            let activity = self.activity();
            activity.unwritten = unwritten;
            activity.critical = unwritten && critical;
        }
    }
}

/// Returns whether `ours` has tokens, a refusal, a disconnect or pending revocations that `theirs`
/// lacks.
fn is_critical_change<T: Payload>(ours: &Record<T>, theirs: &Record<T>) -> bool {
    let same_tokens = match (ours.live(), theirs.live()) {
        (Some(mine), Some(other)) => {
            mine.token_version() == other.token_version()
                && mine.payload == other.payload
                && mine.refusal().is_some() == other.refusal().is_some()
        }
        (None, None) => ours.authorization() == theirs.authorization(),
        _ => false,
    };
    !same_tokens
        || ours
            .revoke
            .iter()
            .any(|listed| !theirs.revoke.contains(listed))
}
