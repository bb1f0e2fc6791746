//! Measures by the recorder that the application has installed.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use tokio::sync::Notify;

use super::{Measured, TokenRequest, names};
use crate::{
    engine::Core,
    event::EventKind,
    health::AccountHealth,
    overview::{Overview, ProviderOverview},
};

/// Calls the recorder, and survives its panics.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Whether a panic was logged.
    panicked: AtomicBool,
    /// Woken by a store call: an account does something.
    pub(super) activity: Arc<Notify>,
}

impl Metrics {
    /// Calls the recorder. A panic of it must not lose what its caller is about to do, such as to
    /// write tokens.
    pub(super) fn record(&self, record: impl FnOnce()) {
        let caught = catch_unwind(AssertUnwindSafe(record)).is_err();
        if caught && !self.panicked.swap(true, Ordering::Relaxed) {
            tracing::warn!("the metrics recorder panics; metrics may be wrong from now on");
        }
    }

    /// Tells the recorder what the metrics mean.
    pub(crate) fn describe(&self) {
        self.record(|| {
            for (name, text) in names::COUNTERS {
                describe_counter!(name, Unit::Count, text);
            }
            for (name, text) in names::HISTOGRAMS {
                describe_histogram!(name, Unit::Seconds, text);
            }
            for (name, unit, text) in names::GAUGES {
                describe_gauge!(name, unit, text);
            }
        });
    }

    pub(crate) fn note_token_request(&self, brand: &str, request: &TokenRequest) {
        let class = request.failed.map_or("ok", |class| class.as_str());
        let (brand, grant) = (brand.to_owned(), request.grant);
        self.record(|| {
            let labels = [("brand", brand.clone()), ("grant", grant.to_owned())];
            histogram!(names::TOKEN_REQUEST_DURATION, &labels).record(request.took);
            counter!(
                names::TOKEN_REQUESTS,
                "brand" => brand, "grant" => grant, "class" => class
            )
            .increment(1);
        });
    }

    /// Records the jobs that have ended.
    pub(crate) fn note_jobs(&self, brand: &str, measured: &Measured) {
        if let Some((is_refreshed, took)) = measured.refresh {
            let outcome = if is_refreshed { "ok" } else { "failed" };
            let brand = brand.to_owned();
            self.record(|| {
                histogram!(names::REFRESH_DURATION, "brand" => brand, "outcome" => outcome)
                    .record(took);
            });
        }
        if let Some(took) = measured.lease_wait {
            let brand = brand.to_owned();
            self.record(|| histogram!(names::LEASE_WAIT_DURATION, "brand" => brand).record(took));
        }
    }

    pub(crate) fn note_store_call(
        &self,
        call: &'static str,
        outcome: &'static str,
        took: Duration,
    ) {
        self.activity.notify_one();
        self.record(|| {
            histogram!(names::STORE_CALL_DURATION, "call" => call, "outcome" => outcome)
                .record(took);
        });
    }

    pub(crate) fn note_event(&self, brand: &str, kind: &EventKind) {
        let (brand, kind) = (brand.to_owned(), kind.name());
        self.record(|| counter!(names::EVENTS, "brand" => brand, "kind" => kind).increment(1));
    }

    pub(crate) fn note_missed_events(&self, missed: u64) {
        self.record(|| counter!(names::EVENTS_MISSED).increment(missed));
    }

    pub(crate) fn note_rejection(&self, brand: &str) {
        let brand = brand.to_owned();
        self.record(|| counter!(names::REJECTIONS, "brand" => brand).increment(1));
    }

    /// Sets a gauge of a brand.
    pub(super) fn set(&self, name: &'static str, brand: &str, value: f64) {
        let brand = brand.to_owned();
        self.record(|| gauge!(name, "brand" => brand).set(value));
    }

    /// Sets the gauge of accounts with this health.
    pub(super) fn set_accounts(
        &self,
        name: &'static str,
        brand: &str,
        health: AccountHealth,
        count: usize,
    ) {
        let (brand, health) = (brand.to_owned(), health.as_str());
        self.record(|| gauge!(name, "brand" => brand, "health" => health).set(count as f64));
    }

    /// Sets the gauges of the store's accounts. Providers of the same brand are counted together.
    pub(crate) fn note_overview(&self, core: &Core, overview: &Overview) {
        for brand in core.distinct_brands() {
            let ours = || overview.providers.iter().filter(|it| it.brand == brand);
            for health in AccountHealth::ALL {
                let count = match health {
                    AccountHealth::Healthy => ours().map(ProviderOverview::healthy).sum(),
                    // The index does not tell them from accounts without a refresh token.
                    AccountHealth::Disconnected | AccountHealth::NotConnected => continue,
                    health => ours().map(|it| it.marked(health)).sum(),
                };
                self.set_accounts(names::STORE_ACCOUNTS, brand, health, count);
            }
            let due: usize = ours().map(|it| it.due).sum();
            let overdue: usize = ours().map(|it| it.overdue).sum();
            self.set(names::STORE_DUE, brand, due as f64);
            self.set(names::STORE_OVERDUE, brand, overdue as f64);
        }
    }
}

/// When the jobs of an account began.
#[derive(Debug, Default)]
pub(crate) struct JobTimes {
    refresh: Option<Duration>,
    lease_wait: Option<Duration>,
}

impl JobTimes {
    pub(crate) fn is_empty(&self) -> bool {
        self.refresh.is_none() && self.lease_wait.is_none()
    }

    /// Takes note of the jobs after a step: whether a refresh runs whose outcome callers can wait
    /// for, whether it waits for another process, and the outcome that the step has brought.
    /// Returns what has ended.
    pub(crate) fn note(
        &mut self,
        refreshes: bool,
        waits: bool,
        resolved: Option<bool>,
        now: Duration,
    ) -> Measured {
        let mut measured = Measured::default();
        if let (Some(is_refreshed), Some(began)) = (resolved, self.refresh) {
            measured.refresh = Some((is_refreshed, now.saturating_sub(began)));
            self.refresh = None;
        }
        match (refreshes, self.refresh) {
            (true, None) => self.refresh = Some(now),
            (false, Some(_)) => self.refresh = None,
            _ => {}
        }
        match (waits, self.lease_wait) {
            (true, None) => self.lease_wait = Some(now),
            (false, Some(began)) => {
                measured.lease_wait = Some(now.saturating_sub(began));
                self.lease_wait = None;
            }
            _ => {}
        }
        measured
    }
}
