//! The metrics, and a recorder that panics.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ::metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit, set_default_local_recorder,
};
use futures_util::StreamExt as _;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use serde_json::json;
use tokenkeeper_emulator::{Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{TokenSource as _, protocol::TokenSet};
use tokio::sync::oneshot;

use crate::harness::{
    HOUR, MINUTE, StoreFault, World, connection, credential, login, seconds, settle, spawn_refresh,
    spawn_token,
};

/// What was recorded since the last look, by name and labels.
struct Recorded(BTreeMap<String, DebugValue>);

impl Recorded {
    fn take(snapshotter: &Snapshotter) -> Self {
        let all = snapshotter.snapshot().into_vec().into_iter();
        Self(
            all.map(|(key, unit, text, value)| {
                let key = key.key();
                assert!(text.is_some(), "{} is not described", key.name());
                assert!(unit.is_some(), "{} has no unit", key.name());
                let mut labels: Vec<_> = key
                    .labels()
                    .map(|label| format!("{}={}", label.key(), label.value()))
                    .collect();
                labels.sort();
                (format!("{} {}", key.name(), labels.join(" ")), value)
            })
            .collect(),
        )
    }

    #[track_caller]
    fn value(&self, name: &str) -> &DebugValue {
        let name = format!("tokenkeeper_{name}");
        self.0
            .get(&name)
            .unwrap_or_else(|| panic!("no `{name}` in {:#?}", self.0))
    }

    #[track_caller]
    fn count(&self, name: &str) -> u64 {
        match self.value(name) {
            DebugValue::Counter(count) => *count,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn gauge(&self, name: &str) -> f64 {
        match self.value(name) {
            DebugValue::Gauge(value) => value.0,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn seconds(&self, name: &str) -> Vec<f64> {
        match self.value(name) {
            DebugValue::Histogram(values) => values.iter().map(|value| value.0).collect(),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn token_requests_are_counted_by_grant_and_class() {
    let recorder = DebuggingRecorder::new();
    let _guard = set_default_local_recorder(&recorder);
    let snapshotter = recorder.snapshotter();
    let world = World::plain();
    let account = world.connect_account().await;
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, EndpointFault::DelayAnswer(seconds(2)));
    account.refresh().await.unwrap();
    faults.once(
        Endpoint::Token,
        EndpointFault::json(400, &json!({ "error": "invalid_client" })),
    );
    account.refresh().await.unwrap_err();
    settle().await;

    let brand = account.provider();
    let recorded = Recorded::take(&snapshotter);
    for (class, grant) in [
        ("ok", "authorization_code"),
        ("ok", "refresh_token"),
        ("configuration", "refresh_token"),
    ] {
        let name = format!("token_requests_total brand={brand} class={class} grant={grant}");
        assert_eq!(recorded.count(&name), 1, "{name}");
    }
    let name = format!("token_request_duration_seconds brand={brand} grant=refresh_token");
    let took = recorded.seconds(&name);
    assert_eq!(took.len(), 2);
    assert!(
        took.iter().any(|took| (2.0..3.0).contains(took)),
        "{took:?}"
    );
    let name = format!("refresh_duration_seconds brand={brand} outcome=ok");
    assert!((2.0..3.0).contains(&recorded.seconds(&name)[0]));
    let name = format!("refresh_duration_seconds brand={brand} outcome=failed");
    assert_eq!(recorded.seconds(&name).len(), 1);
    for kind in ["connected", "refreshed", "misconfigured"] {
        let name = format!("events_total brand={brand} kind={kind}");
        assert_eq!(recorded.count(&name), 1, "{kind}");
    }
    assert!(
        !recorded
            .seconds("store_call_duration_seconds call=write outcome=ok")
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_another_process_is_measured() {
    let recorder = DebuggingRecorder::new();
    let _guard = set_default_local_recorder(&recorder);
    let snapshotter = recorder.snapshotter();
    let world = World::plain();
    let (here, there) = world.connect_in_two_processes().await;
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, EndpointFault::DelayAnswer(seconds(3)));
    world.advance(HOUR * 24).await;
    let first = spawn_token(&here);
    settle().await;
    there.token().await.unwrap();
    first.await.unwrap().unwrap();
    settle().await;
    let name = format!("lease_wait_duration_seconds brand={}", here.provider());
    let waits = Recorded::take(&snapshotter).seconds(&name);
    assert_eq!(waits.len(), 1);
    assert!((2.0..4.0).contains(&waits[0]), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn gauges_show_health_age_and_unwritten_tokens() {
    let recorder = DebuggingRecorder::new();
    let _guard = set_default_local_recorder(&recorder);
    let snapshotter = recorder.snapshotter();
    let world = World::plain();
    let account = world.connect_account().await;
    let brand = account.provider().to_owned();
    world.call_api(&account).await;
    tokio::time::sleep(seconds(31)).await;
    let recorded = Recorded::take(&snapshotter);
    assert_eq!(
        recorded.gauge(&format!("accounts brand={brand} health=healthy")),
        1.0
    );
    assert_eq!(
        recorded.gauge(&format!("accounts brand={brand} health=expired")),
        0.0
    );
    assert_eq!(
        recorded.gauge(&format!("accounts_unwritten brand={brand}")),
        0.0
    );
    let age = recorded.gauge(&format!("served_token_age_seconds brand={brand}"));
    assert!((15.0..=31.0).contains(&age), "{age}");
    let age = recorded.gauge(&format!("served_uncompared_seconds brand={brand}"));
    assert!((15.0..=31.0).contains(&age), "{age}");
    for name in [
        "refresher_due",
        "refresher_in_flight",
        "refresher_late_seconds",
    ] {
        assert_eq!(recorded.gauge(&format!("{name} brand={brand}")), 0.0);
    }

    // The sample 45 s after the start meets a write in flight, which is no trouble.
    tokio::time::sleep(seconds(13)).await;
    world.store.hold_next_put();
    let refresh = spawn_refresh(&account);
    tokio::time::sleep(seconds(2)).await;
    assert!(!refresh.is_finished());
    let recorded = Recorded::take(&snapshotter);
    assert_eq!(
        recorded.gauge(&format!("accounts_unwritten brand={brand}")),
        0.0
    );
    world.store.release();
    refresh.await.unwrap().unwrap();

    world.store.fail_after(1, usize::MAX, StoreFault::Refuse);
    drop(account.refresh().await);
    tokio::time::sleep(seconds(31)).await;
    let recorded = Recorded::take(&snapshotter);
    assert_eq!(
        recorded.gauge(&format!("accounts_unwritten brand={brand}")),
        1.0
    );
    assert_eq!(
        recorded.count(&format!("events_total brand={brand} kind=store_behind")),
        1
    );
    world.store.recover();
}

#[tokio::test(start_paused = true)]
async fn an_overview_sets_the_gauges_of_the_store() {
    let recorder = DebuggingRecorder::new();
    let _guard = set_default_local_recorder(&recorder);
    let snapshotter = recorder.snapshotter();
    let (world, account) = World::plain().expired().await;
    let brand = account.provider();
    world.accounts.overview().await.unwrap();
    let recorded = Recorded::take(&snapshotter);
    assert_eq!(
        recorded.gauge(&format!("store_accounts brand={brand} health=healthy")),
        1.0
    );
    assert_eq!(
        recorded.gauge(&format!("store_accounts_due brand={brand}")),
        1.0
    );
    let name = format!("store_accounts brand={brand} health=reauthorization_required");
    assert_eq!(recorded.gauge(&name), 0.0);
    assert_eq!(
        recorded.gauge(&format!("store_accounts_overdue brand={brand}")),
        1.0
    );
}

#[tokio::test(start_paused = true)]
async fn rejections_and_missed_events_are_counted() {
    let recorder = DebuggingRecorder::new();
    let _guard = set_default_local_recorder(&recorder);
    let snapshotter = recorder.snapshotter();
    let world = World::plain();
    let account = world.connect_account().await;
    let mut events = world.accounts.events();
    account.report_rejection(credential(&account).await.version());
    for number in 0..1100 {
        account
            .adopt(TokenSet::new(format!("access-{number}")))
            .await
            .unwrap();
    }
    events.next().await.unwrap();
    let recorded = Recorded::take(&snapshotter);
    assert_eq!(
        recorded.count(&format!("rejections_total brand={}", account.provider())),
        1
    );
    assert_eq!(recorded.count("events_missed_total "), events.missed());
    assert!(events.missed() > 0);
}

#[tokio::test(start_paused = true)]
async fn no_label_shows_a_subject_or_a_site() {
    let recorder = DebuggingRecorder::new();
    let _guard = set_default_local_recorder(&recorder);
    let snapshotter = recorder.snapshotter();
    let world = World::ioffice();
    let account = world.connect_account().await;
    account.refresh().await.unwrap();
    account.disconnect().await.unwrap();
    tokio::time::sleep(MINUTE).await;
    world.accounts.overview().await.unwrap();
    let recorded = Recorded::take(&snapshotter);
    assert!(recorded.0.len() > 10);
    let host = account
        .site()
        .as_str()
        .split("//")
        .nth(1)
        .unwrap()
        .to_owned();
    for name in recorded.0.keys() {
        assert!(!name.contains(account.subject()), "{name}");
        assert!(!name.contains(&host), "{name}");
    }
}

/// A recorder of which every call panics, also those on its counters, gauges and histograms.
#[derive(Default)]
struct Panics {
    calls: Arc<AtomicUsize>,
    /// Whether it hands out counters, gauges and histograms, which panic then.
    registers: bool,
}

impl Panics {
    fn panic(&self) -> Arc<Instrument> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        assert!(self.registers, "a panic of a test");
        Arc::new(Instrument)
    }
}

struct Instrument;

impl CounterFn for Instrument {
    fn increment(&self, _: u64) {
        panic!("a panic of a test");
    }

    fn absolute(&self, _: u64) {
        panic!("a panic of a test");
    }
}

impl GaugeFn for Instrument {
    fn increment(&self, _: f64) {
        panic!("a panic of a test");
    }

    fn decrement(&self, _: f64) {
        panic!("a panic of a test");
    }

    fn set(&self, _: f64) {
        panic!("a panic of a test");
    }
}

impl HistogramFn for Instrument {
    fn record(&self, _: f64) {
        panic!("a panic of a test");
    }
}

impl Recorder for Panics {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        self.panic();
    }

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        self.panic();
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        self.panic();
    }

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.panic())
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.panic())
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.panic())
    }
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_panics_loses_no_token() {
    for registers in [false, true] {
        let calls = Arc::default();
        let recorder = Panics {
            calls: Arc::clone(&calls),
            registers,
        };
        let _guard = set_default_local_recorder(&recorder);
        let world = World::plain_with(|_| {});
        let account = world.account();
        login(&world.emulator, &account).await.unwrap();
        assert_eq!(world.call_api(&account).await, 200);
        account.refresh().await.unwrap();
        assert_eq!(connection(&account).await.generation, 2);
        assert_eq!(world.generation_elsewhere().await, 2);

        // The refresher of another process keeps the account fresh.
        let elsewhere = world.another_process();
        let (stop, stopped) = oneshot::channel::<()>();
        let refresher = elsewhere.refresher().run(async { drop(stopped.await) });
        let refresher = tokio::spawn(refresher);
        world.advance(HOUR * 24).await;
        tokio::time::sleep(MINUTE).await;
        drop(stop);
        refresher.await.unwrap().unwrap();
        assert!(world.generation_elsewhere().await > 2);

        assert_eq!(world.call_api(&account).await, 200);
        world
            .emulator
            .faults()
            .once(Endpoint::Token, EndpointFault::ServerError);
        account.refresh().await.unwrap();
        account.disconnect().await.unwrap();
        world.accounts.overview().await.unwrap();
        world.accounts.shutdown(seconds(5)).await.unwrap();
        assert!(calls.load(Ordering::SeqCst) > 50);
    }
}
