//! Reads and writes the store: one write at a time, always conditional.

use std::sync::Arc;

use super::{
    change::ChangeHandler,
    jobs::{ChangeStage, Moment, RefreshStage},
    revocation::{RevocationHandler, revocation_claim},
    state::{Reading, Revocation, StoreTrouble, Writing},
    turn::{Observed, Turn},
};
use crate::{
    action::{Action, Failure, Notice, Queue, Write},
    input::{Outcome, StoreAnswer},
    mutation::{Mutation, broken},
    operation::Timer,
    payload::Payload,
    record::{Live, Record},
    rules::{StoreDown, TRIES},
};

/// Drives the reads and writes of an account.
pub(super) struct StoreHandler<'t, 'a, T>(pub(super) &'t mut Turn<'a, T>);

impl<T: Payload> StoreHandler<'_, '_, T> {
    /// Handles the end of a read.
    pub(super) fn handle_read(&mut self, answer: StoreAnswer<T>) {
        let Some(reading) = self.0.activity().read.take() else {
            return;
        };
        match answer {
            StoreAnswer::Failed { hung } => {
                self.report_unvalidated();
                self.note_failure(hung);
            }
            StoreAnswer::Unreadable(version) => {
                self.report_unvalidated();
                self.note_failure(false);
                ChangeHandler(self.0).note_unreadable(version);
            }
            // A write that was sent later shows, or will show, a newer state.
            StoreAnswer::Found(_) if reading.outdated => {}
            StoreAnswer::Found(found) => {
                let version = found.as_ref().map(|(version, _)| *version);
                self.0.state.tracker.cover(reading.mark, version);
                self.0.reconcile(found);
            }
        }
        let activity = self.0.activity();
        if reading.outdated && (!reading.covered || std::mem::take(&mut activity.recheck)) {
            activity.compare = true;
        }
    }

    /// Handles the end of a write.
    pub(super) fn handle_wrote(&mut self, outcome: Outcome<T>) {
        let Writing::InFlight {
            version,
            record,
            mark,
            claims,
        } = std::mem::replace(&mut self.0.activity().write, Writing::None)
        else {
            return;
        };
        if let Some(flow) = claims {
            if matches!(outcome, Outcome::Failed | Outcome::Unreadable(_)) {
                self.handle_write_failure(None);
            }
            return ChangeHandler(self.0).handle_flow_claimed(flow, &outcome);
        }
        self.note_renewal(matches!(outcome, Outcome::Applied));
        let found = match outcome {
            Outcome::Failed => {
                self.handle_write_failure(record.as_deref());
                return;
            }
            Outcome::Unreadable(version) => {
                self.handle_write_failure(None);
                ChangeHandler(self.0).note_unreadable(version);
                if broken(Mutation::UnreadableOverwritten) {
                    self.0.state.base = Some(version);
                }
                return;
            }
            Outcome::Applied => record.map(|record| (version, Arc::unwrap_or_clone(record))),
            Outcome::Conflict(_) if broken(Mutation::ConflictRepeated) => return,
            Outcome::Conflict(found) if self.overwrites() => {
                self.0.state.base = found.map(|(version, _)| version);
                return;
            }
            Outcome::Conflict(found)
                if self.0.is_critical() && broken(Mutation::ResultDroppedOnConflict) =>
            {
                self.0.state.known = None;
                found
            }
            Outcome::Conflict(found) => {
                self.0.conflict = true;
                // Another process may have claimed the revocation first.
                RevocationHandler(self.0).yield_claim();
                found
            }
        };
        self.0
            .state
            .tracker
            .cover(mark, found.as_ref().map(|(version, _)| *version));
        self.0.reconcile(found);
    }

    /// Notes the end of a write that renews the leases of device codes.
    fn note_renewal(&mut self, applied: bool) {
        let changes = &mut self.0.activity().changes;
        for polls in changes
            .iter_mut()
            .filter_map(|change| change.polls.as_mut())
        {
            if let Some(renewed) = polls.renewed.take()
                && applied
            {
                polls.since = Some(renewed);
            }
        }
    }

    /// Returns whether a mutation overwrites the stored record without merging it.
    fn overwrites(&self) -> bool {
        let claims = self.0.refresh_job();
        let claims = claims.is_some_and(|job| matches!(job.stage, RefreshStage::Claiming(_)));
        let dead = self.0.live().is_some_and(Live::is_dead);
        let result = self.0.is_critical();
        claims && broken(Mutation::AttemptOverConflict)
            || result && !dead && broken(Mutation::UnconditionalCommit)
            || result && dead && broken(Mutation::UnconditionalMark)
    }

    /// Handles a failed write, which may have been applied.
    fn handle_write_failure(&mut self, sent: Option<&Record<T>>) {
        if !self.0.is_critical() {
            self.report_unvalidated();
        }
        self.note_failure(false);
        let (unwritten, rules) = (self.0.is_unwritten(), self.0.cx.rules);
        let activity = self.0.activity();
        activity.write_failures = activity.write_failures.saturating_add(1);
        activity.write = Writing::Waiting;
        for change in &mut activity.changes {
            match &mut change.stage {
                ChangeStage::Settling {
                    unsure,
                    authorization,
                    ..
                } => *unsure |= sent.and_then(Record::authorization) == Some(*authorization),
                ChangeStage::Exchanging { login, renew, .. }
                | ChangeStage::Waiting { login, renew, .. } => {
                    *renew |= sent.and_then(|sent| sent.login) == Some(*login);
                }
                // The conflict may be with a record that cannot be read.
                ChangeStage::Forget { .. } => activity.compare = true,
                _ => {}
            }
        }
        let attempt = sent
            .and_then(Record::live)
            .and_then(|live| live.attempt.as_deref());
        if let Some(job) = &mut activity.refresh
            && let RefreshStage::Exchanging(presented) = &mut job.stage
        {
            presented.renew |= attempt.is_some_and(|sent| sent.id == presented.attempt.id);
        }
        if unwritten && activity.critical {
            let news = !std::mem::replace(&mut activity.behind, true);
            if news {
                self.0.emit(Notice::StoreBehind);
            }
        } else if unwritten && activity.write_failures >= TRIES {
            activity.parked = true;
            if matches!(activity.revocation, Revocation::Claiming(_)) {
                activity.revocation = Revocation::None;
            }
        }
        let pause = if self.0.cx.closing {
            rules.store_retry.min(CLOSING_RETRY)
        } else {
            rules.store_retry
        };
        self.0.act(Action::WaitUntil(Timer::Write, pause));
    }

    /// Ends the pause after a failed write.
    pub(super) fn end_write_pause(&mut self) {
        let activity = self.0.activity();
        if matches!(activity.write, Writing::Waiting) {
            activity.write = Writing::None;
        }
    }

    /// Reports that a comparison failed and an uncompared token is served.
    fn report_unvalidated(&mut self) {
        let valid =
            self.0.state.served.is_some() && self.0.cx.now < self.0.state.schedule.expires_at;
        if valid && self.0.cx.rules.store_down == StoreDown::Serve {
            let reported = std::mem::replace(&mut self.0.activity().reported_unvalidated, true);
            if !reported {
                self.0.emit(Notice::ServedUnvalidated);
            }
        }
    }

    /// Records a failure of the store.
    fn note_failure(&mut self, hung: bool) {
        self.0.observed = Some(Observed::Failed { hung });
        let (now, rules) = (self.0.cx.now, self.0.cx.rules);
        let activity = self.0.activity();
        let failures = activity.trouble.map_or(1, |t| t.failures.saturating_add(1));
        let pause = rules.store_retry.saturating_mul(1 << failures.min(4));
        activity.trouble = Some(StoreTrouble {
            until: now.after(pause.min(rules.store_timeout * 2)),
            failures,
        });
        (activity.compare, activity.recheck) = (false, false);
        self.0.resolve(Queue::Comparison, Err(Failure::Store));
    }

    /// Starts the write or the read that is needed.
    pub(super) fn flush(&mut self) {
        let Some(activity) = self.0.state.activity.as_deref() else {
            return;
        };
        if matches!(activity.write, Writing::None) {
            self.write();
        }
        let activity = self.0.activity();
        let waits = activity.refresh.as_ref().is_some_and(|job| job.check)
            || activity.changes.iter().any(|change| change.check);
        let writes = matches!(activity.write, Writing::InFlight { .. });
        if (activity.compare || waits) && activity.read.is_none() && !writes {
            activity.compare = false;
            let mark = self.0.state.tracker.mark();
            self.0.activity().read = Some(Reading {
                mark,
                outdated: false,
                covered: false,
            });
            self.0.act(Action::Read);
        }
    }

    /// Writes the known record with the claims of the jobs, if the store does not have them.
    fn write(&mut self) {
        if self.claim_flow() {
            return;
        }
        let (draft, claims) = self.0.draft();
        let activity = self.0.activity();
        let wanted = claims || activity.unwritten && !activity.parked;
        if !wanted {
            return;
        }
        let expected = self.0.state.base;
        let expected = self.0.replaced_version().or(expected);
        let forgets = draft.is_forgotten() && draft.login.is_none();
        let vanishes = draft.is_vacant() || forgets && broken(Mutation::ForgetAsDelete);
        let record = (!vanishes).then(|| Arc::new(draft));
        if record.is_none() && expected.is_none() {
            // The store has no record to remove.
            self.0.state.known = None;
            self.0.activity().unwritten = false;
            return;
        }
        let now = Moment::now(self.0.cx);
        let rules = self.0.cx.rules;
        let activity = self.0.activity();
        if let Some(job) = &mut activity.refresh {
            match &mut job.stage {
                RefreshStage::Claiming(claim) => {
                    claim.since.get_or_insert(now);
                }
                RefreshStage::Exchanging(presented) => presented.renew = false,
                _ => {}
            }
        }
        for change in &mut activity.changes {
            match &mut change.stage {
                ChangeStage::Login {
                    claim: Some((_, claim)),
                    ..
                } => {
                    claim.since.get_or_insert(now);
                }
                ChangeStage::Exchanging { login, renew, .. }
                | ChangeStage::Waiting { login, renew, .. } => {
                    *renew = false;
                    if let Some(polls) = &mut change.polls
                        && record.as_ref().and_then(|record| record.login) == Some(*login)
                    {
                        polls.renewed = Some(now);
                    }
                }
                _ => {}
            }
        }
        if let Some(reading) = &mut activity.read {
            reading.outdated = true;
        }
        let disconnects = activity
            .changes
            .iter()
            .any(|change| matches!(change.stage, ChangeStage::Disconnect(_)));
        if disconnects
            && rules.revokes
            && !matches!(activity.revocation, Revocation::InFlight(_))
            && record
                .as_ref()
                .is_some_and(|record| !record.revoke.is_empty())
        {
            activity.revocation = Revocation::Claiming(revocation_claim(rules, now.wall));
        }
        let version = self.0.cx.version;
        self.0.state.tracker.note_known(version);
        let mark = self.0.state.tracker.mark();
        self.0.activity().write = Writing::InFlight {
            version,
            record: record.clone(),
            mark,
            claims: None,
        };
        self.0.act(Action::Write(Write {
            version,
            expected,
            record,
            forgets,
            claims: None,
        }));
    }

    /// Claims the code of a flow under its own key, if a login needs it.
    fn claim_flow(&mut self) -> bool {
        let changes = self.0.active().map(|activity| activity.changes.iter());
        let claim = changes
            .into_iter()
            .flatten()
            .find_map(|change| match change.stage {
                ChangeStage::ClaimingFlow { flow, login } => Some((flow.id, login)),
                _ => None,
            });
        let Some((flow, login)) = claim else {
            return false;
        };
        let mut record = Record::empty();
        record.login = Some(login);
        let record = Some(Arc::new(record));
        let version = self.0.cx.version;
        let mark = self.0.state.tracker.mark();
        self.0.activity().write = Writing::InFlight {
            version,
            record: record.clone(),
            mark,
            claims: Some(flow),
        };
        self.0.act(Action::Write(Write {
            version,
            expected: None,
            record,
            forgets: false,
            claims: Some(flow),
        }));
        true
    }
}

/// The longest pause between retries while the engine is closing.
const CLOSING_RETRY: std::time::Duration = std::time::Duration::from_millis(50);
