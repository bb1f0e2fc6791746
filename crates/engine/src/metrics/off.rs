//! Nothing is measured.

use std::time::Duration;

use super::{Measured, TokenRequest};
use crate::{engine::Core, event::EventKind, overview::Overview};

/// Measures nothing.
#[derive(Debug, Default)]
pub(crate) struct Metrics(());

impl Metrics {
    #[inline(always)]
    pub(crate) fn describe(&self) {}

    #[inline(always)]
    pub(crate) fn note_token_request(&self, _brand: &str, _request: &TokenRequest) {}

    #[inline(always)]
    pub(crate) fn note_jobs(&self, _brand: &str, _measured: &Measured) {}

    #[inline(always)]
    pub(crate) fn note_store_call(&self, _call: &'static str, _outcome: &'static str, _: Duration) {
    }

    #[inline(always)]
    pub(crate) fn note_event(&self, _brand: &str, _kind: &EventKind) {}

    #[inline(always)]
    pub(crate) fn note_missed_events(&self, _missed: u64) {}

    #[inline(always)]
    pub(crate) fn note_rejection(&self, _brand: &str) {}

    #[inline(always)]
    pub(crate) fn note_overview(&self, _core: &Core, _overview: &Overview) {}
}

/// Measures nothing.
#[derive(Debug, Default)]
pub(crate) struct JobTimes(());

impl JobTimes {
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        true
    }

    #[inline(always)]
    pub(crate) fn note(
        &mut self,
        _refreshes: bool,
        _waits: bool,
        _resolved: Option<bool>,
        _now: Duration,
    ) -> Measured {
        Measured::default()
    }
}
