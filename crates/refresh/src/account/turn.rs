//! The state, context and actions of one step, which the handlers borrow.

use std::sync::Arc;

use tokenkeeper_store::Version;

use super::{
    jobs::{ChangeStage, RefreshJob},
    state::{Activity, State},
};
use crate::{
    action::{Action, Actions, Failure, Notice, Queue, Reason},
    context::Context,
    fact::Fact,
    id::Id,
    payload::Payload,
    record::{Live, Record},
};

/// One step of an account: the state that it changes, and the actions that it collects.
pub(super) struct Turn<'a, T> {
    pub(super) state: &'a mut State<T>,
    pub(super) cx: &'a Context<'a>,
    pub(super) actions: Actions<T>,
    /// An id for one change. Other changes that need an id wait for the write of that one.
    pub(super) fresh_id: Option<Id>,
    /// What the store answered in this step.
    pub(super) observed: Option<Observed>,
    /// The answer is a conflict, so an earlier unconfirmed write can no longer land.
    pub(super) conflict: bool,
    /// The authorization number of the tombstone that the store showed in this step; 0: none.
    pub(super) ended: u64,
}

/// What the store answered in this step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Observed {
    /// The version of its record; `None`: it has none.
    Version(Option<Version>),
    /// The call failed.
    Failed {
        /// The store did not answer in time.
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
            observed: None,
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

    pub(super) fn audit(&mut self, fact: Fact) {
        self.act(Action::Audit(fact));
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

    /// Returns whether this step's input is a failure of the store.
    pub(super) fn store_failed(&self) -> bool {
        matches!(self.observed, Some(Observed::Failed { .. }))
    }

    pub(super) fn live(&self) -> Option<&Live<T>> {
        self.state.known.as_ref()?.live()
    }

    /// Returns the last failed refresh of the token set, for an event.
    pub(super) fn failure_reason(&self) -> Option<Reason> {
        let live = self.live()?;
        Some(Reason {
            failure: live.last_failure.clone()?,
            at: live.failures.noted,
        })
    }

    /// Returns the version of the stored record that cannot be read, if the next write may replace
    /// it: the account is being forgotten, or the tokens of a login have come.
    pub(super) fn replaced_version(&self) -> Option<Version> {
        self.active()?
            .changes
            .iter()
            .find_map(|change| match change.stage {
                ChangeStage::Forget { .. } if !change.check => change.unreadable,
                ChangeStage::Settling { .. } => change.unreadable,
                _ => None,
            })
    }

    pub(super) fn is_unwritten(&self) -> bool {
        self.active().is_some_and(|activity| activity.unwritten)
    }

    /// Returns whether memory holds unwritten changes that would be lost with the process.
    pub(super) fn is_critical(&self) -> bool {
        self.active()
            .is_some_and(|activity| activity.unwritten && activity.critical)
    }

    /// Changes the known record and marks it as unwritten.
    pub(super) fn edit(&mut self, critical: bool, change: impl FnOnce(&mut Record<T>)) {
        let known = self
            .state
            .known
            .get_or_insert_with(|| Arc::new(Record::empty()));
        let record = Arc::make_mut(known);
        change(record);
        record.tidy();
        let activity = self.activity();
        activity.unwritten = true;
        activity.critical |= critical;
        activity.parked = false;
    }
}
