//! What every part of a step works on: the account, the context, and what follows.

use std::{sync::Arc, time::Duration};

use tokenkeeper_store::Version;

use super::state::{Activity, ChangeStage, RefreshJob, RefreshStage, Revocation, State, Urgency};
use crate::{
    action::{Action, Actions, Failure, Notice, Queue},
    context::Context,
    id::Id,
    instant::EngineInstant,
    mutation::{Mutation, broken},
    payload::Payload,
    record::{self, Attempt, Health, Live, Ours, Record},
    rules::TRIES,
};

/// One step of an account.
pub(super) struct Turn<'a, T> {
    pub(super) state: &'a mut State<T>,
    pub(super) cx: &'a Context<'a>,
    pub(super) actions: Actions<T>,
    /// For one change: those that need an id later in this step wait for the write of that one.
    pub(super) fresh_id: Option<Id>,
    /// What the store showed in this step.
    pub(super) seen: Option<Seen>,
    /// It did so instead of taking a write: what was written before and not confirmed cannot land
    /// any more.
    pub(super) conflict: bool,
    /// The number of the authorization whose tombstone it showed in this step; 0: none.
    pub(super) ended: u64,
}

/// What the store showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Its record, or that it has none.
    Version(Option<Version>),
    /// It failed.
    Nothing {
        /// It did not answer in time.
        hung: bool,
    },
}

impl<'a, T: Payload> Turn<'a, T> {
    pub(super) fn new(state: &'a mut State<T>, cx: &'a Context<'a>) -> Self {
        Self {
            state,
            cx,
            actions: Actions::default(),
            fresh_id: Some(cx.ids[1]),
            seen: None,
            conflict: false,
            ended: 0,
        }
    }

    pub(super) fn act(&mut self, action: Action<T>) {
        self.actions.list.push(action);
    }

    pub(super) fn emit(&mut self, notice: Notice) {
        self.act(Action::Emit(notice));
    }

    pub(super) fn resolve(&mut self, queue: Queue, result: Result<(), Failure>) {
        self.act(Action::Resolve(queue, result));
    }

    pub(super) fn activity(&mut self) -> &mut Activity<T> {
        self.state.activity.get_or_insert_default()
    }

    pub(super) fn active(&self) -> Option<&Activity<T>> {
        self.state.activity.as_deref()
    }

    pub(super) fn refresh_job(&self) -> Option<&RefreshJob> {
        self.active()?.refresh.as_ref()
    }

    /// The store was asked in this step's operation, and failed.
    pub(super) fn store_failed(&self) -> bool {
        matches!(self.seen, Some(Seen::Nothing { .. }))
    }

    pub(super) fn live(&self) -> Option<&Live<T>> {
        self.state.known.as_ref()?.live()
    }

    pub(super) fn is_unwritten(&self) -> bool {
        self.active().is_some_and(|activity| activity.unwritten)
    }

    /// Memory holds something that would be lost with it.
    pub(super) fn is_precious(&self) -> bool {
        self.active()
            .is_some_and(|activity| activity.unwritten && activity.precious)
    }

    /// Changes what is known, so that it is written.
    pub(super) fn edit(&mut self, precious: bool, change: impl FnOnce(&mut Record<T>)) {
        let known = self
            .state
            .known
            .get_or_insert_with(|| Arc::new(Record::empty()));
        let record = Arc::make_mut(known);
        change(record);
        record.tidy();
        let activity = self.activity();
        activity.unwritten = true;
        activity.precious |= precious;
        activity.parked = false;
    }

    /// Takes tokens that have just come, or a login with them, into what is known.
    pub(super) fn absorb(&mut self, live: Live<T>) {
        let ours = Record::of(record::State::Live(live));
        let record = match &self.state.known {
            Some(known) => self.merge(&ours, known, true).record,
            None => ours,
        };
        self.edit(true, |known| *known = record);
        self.restart_pause(None);
    }

    /// `unwritten`: ours has tokens, or their end, that the store does not have.
    fn merge(&self, ours: &Record<T>, theirs: &Record<T>, unwritten: bool) -> record::Merged<T> {
        let process = Ours {
            rules: self.cx.rules,
            unwritten,
            is_over: &|attempt| self.is_over(attempt),
        };
        record::merge(ours, theirs, process)
    }

    /// Whether an attempt is one of this process that is not in flight.
    pub(super) fn is_over(&self, attempt: &Attempt) -> bool {
        if attempt.holder != self.cx.rules.holder || broken(Mutation::OverForgotten) {
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
            ChangeStage::Login(Some((login, _))) | ChangeStage::Exchanging(login) => {
                login.attempt.id == attempt.id
            }
            _ => false,
        });
        !refreshes && !changes
    }

    /// The store showed what it has.
    pub(super) fn learn(&mut self, found: Option<(Version, Record<T>)>) {
        let version = found.as_ref().map(|(version, _)| *version);
        self.seen = Some(Seen::Version(version));
        self.ended = match &found {
            Some((_, theirs)) if theirs.is_ended() => theirs.number(),
            _ => 0,
        };
        self.state.compared_at = self.cx.now;
        let (unwritten, precious) = match self.active() {
            Some(activity) => (activity.unwritten, activity.precious),
            None => (false, false),
        };
        let had_record = self.state.base.is_some();
        self.state.base = version;
        let before = self.state.known.clone();
        let (known, restored) = match (&before, found) {
            (None, None) => (None, false),
            (Some(_), None) if broken(Mutation::ForgetsThoughMovedOn) => (None, false),
            (Some(ours), None) => {
                let mut ours = ours.clone();
                // Whether another process's login is still in flight only the store knows.
                let gone = ours.login.filter(|login| {
                    let attempt = &login.attempt;
                    attempt.holder != self.cx.rules.holder || self.is_over(attempt)
                });
                if gone.is_some() {
                    let ours = Arc::make_mut(&mut ours);
                    ours.login = None;
                    ours.tidy();
                }
                let forgets = ours.number() == 0 && ours.login.is_none();
                self.set_unwritten(!forgets, ours.number() > 0);
                ((!forgets).then_some(ours), had_record && !forgets)
            }
            (None, Some((_, theirs))) => {
                let merged = self.merge(&Record::empty(), &theirs, false);
                self.set_unwritten(merged.record != theirs, false);
                (Some(Arc::new(merged.record)), false)
            }
            (Some(ours), Some((_, theirs))) => {
                let mut merged = self.merge(ours, &theirs, unwritten && precious);
                self.strike_revoked(&mut merged.record, &theirs);
                let precious = unwritten && precious || is_news(&merged.record, &theirs);
                self.set_unwritten(merged.record != theirs, precious);
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
            // What was told of later than this call began is still to be seen.
            activity.compare &= self.state.tracker.is_pending();
            activity.trouble = None;
            activity.write_failures = 0;
            activity.parked = false;
            activity.told_unvalidated = false;
            let known = self.state.known.as_deref();
            // What another process has ended is over here too.
            let failures = known.and_then(Record::live).map(|live| live.failures);
            activity.told_refused &= failures.is_some_and(|f| f.refused_since.is_some());
            if known.is_none_or(|known| known.revoke.is_empty()) {
                activity.told_revocation = false;
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
            }
        }
        if self.active().is_some_and(|activity| activity.recheck) {
            // A caller came after this call was sent, and wants a later one.
            let activity = self.activity();
            (activity.recheck, activity.compare) = (false, true);
            return;
        }
        match self.state.known {
            // What this process knows better is compared once it is written.
            Some(_) if self.is_unwritten() => {}
            Some(_) => self.resolve(Queue::Comparison, Ok(())),
            None => self.resolve(Queue::Comparison, Err(Failure::NotConnected)),
        }
    }

    /// Takes the tokens off the list that this process has revoked, as long as the store still
    /// lists them.
    fn strike_revoked(&mut self, record: &mut Record<T>, theirs: &Record<T>) {
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

    fn set_unwritten(&mut self, unwritten: bool, precious: bool) {
        if unwritten || self.state.activity.is_some() {
            let activity = self.activity();
            activity.unwritten = unwritten;
            activity.precious = unwritten && precious;
        }
    }

    /// Counts the pauses that failures ask for from now, unless they were counted before.
    pub(super) fn restart_pause(&mut self, before: Option<&Record<T>>) {
        let Some(known) = self.state.known.clone() else {
            return;
        };
        let (now, wall) = (self.cx.now, self.cx.wall);
        let left = known.live().map(|live| live.failures.left(wall));
        let pause = left.unwrap_or_default();
        let counted = before.and_then(Record::live).zip(known.live());
        let counted = counted.is_some_and(|(before, live)| {
            before.token_version() == live.token_version() && before.failures == live.failures
        });
        if !counted && (!pause.is_zero() || self.state.activity.is_some()) {
            self.activity().retry_at = end_of(pause, now);
        }
        let counted = before.is_some_and(|before| before.revocation == known.revocation);
        let pause = known.revocation.left(wall);
        if !counted && (!pause.is_zero() || self.state.activity.is_some()) {
            self.activity().revoke_at = end_of(pause, now);
        }
    }

    /// Why the refresh token of `live` must not be presented now.
    pub(super) fn obstacle(&self, live: &Live<T>, urgency: Urgency) -> Option<Failure> {
        if let Some(failure) = lasting_obstacle(live) {
            return Some(failure);
        }
        let retry_at = self.active().map_or(EngineInstant(0), |a| a.retry_at);
        if retry_at <= self.cx.now {
            return None;
        }
        if live.failures.firm && !broken(Mutation::TimeOutCutShort) {
            return Some(Failure::Backoff(retry_at.since(self.cx.now)));
        }
        if urgency == Urgency::Listed {
            return None;
        }
        let forced = urgency == Urgency::Forced;
        let refused = live.failures.refused_since.is_some();
        match &live.health {
            Health::Misconfigured(configurations) => {
                let tried = configurations.contains(&self.cx.rules.configuration);
                (tried && !forced).then_some(Failure::Misconfigured)
            }
            _ if forced && refused => None,
            Health::Suspect(cause) => Some(Failure::Reauthorize(cause.clone())),
            Health::Alive | Health::Dead(_) => Some(Failure::Backoff(retry_at.since(self.cx.now))),
        }
    }

    /// Whether a claim has failed often enough: several times, or once where the store has failed
    /// for a while.
    pub(super) fn gives_up(&self) -> bool {
        self.active().is_some_and(|activity| {
            let failures = activity.trouble.map_or(0, |trouble| trouble.failures);
            activity.write_failures >= TRIES || failures > TRIES.into()
        })
    }

    /// Why there are no tokens.
    pub(super) fn without_tokens(&self) -> Failure {
        match &self.state.known {
            Some(known) if known.is_ended() => Failure::Disconnected,
            _ => Failure::NotConnected,
        }
    }
}

/// 0: there is none.
fn end_of(pause: Duration, now: EngineInstant) -> EngineInstant {
    if pause.is_zero() {
        EngineInstant(0)
    } else {
        now.after(pause)
    }
}

/// What forbids presenting a refresh token, however long one waits.
pub(super) fn lasting_obstacle<T: Payload>(live: &Live<T>) -> Option<Failure> {
    if let Health::Dead(cause) = &live.health {
        return Some(Failure::Reauthorize(cause.clone()));
    }
    if !live.payload.has_refresh_token() {
        return Some(Failure::Reauthorize(record::Cause::NoRefreshToken));
    }
    None
}

/// Whether `ours` holds something beside notes that the store does not have.
fn is_news<T: Payload>(ours: &Record<T>, theirs: &Record<T>) -> bool {
    let same_tokens = match (ours.live(), theirs.live()) {
        (Some(mine), Some(other)) => {
            mine.token_version() == other.token_version()
                && mine.payload == other.payload
                && mine.is_dead() == other.is_dead()
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
