//! The spans of requests to providers, and what the log says of a recorder that panics.
//!
//! A subscriber sees all spans only if it is set before any test runs, so these tests have their
//! own binary.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is how a test fails"
)]

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Once,
};

use tokenkeeper_emulator::{Endpoint, Fault as EndpointFault};
use tokenkeeper_test_support::{World, issue_tokens, seconds, settle};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
};

type Fields = BTreeMap<String, String>;

#[derive(Default)]
struct Seen {
    spans: HashMap<u64, (&'static str, Fields)>,
    /// The messages of warnings.
    warnings: Vec<String>,
}

thread_local! {
    /// What this thread has seen. Each test runs on one thread.
    static SEEN: RefCell<Seen> = RefCell::default();
}

struct Recorder;

struct Visitor<'a>(&'a mut Fields);

impl Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: Subscriber> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let mut fields = Fields::new();
        attributes.record(&mut Visitor(&mut fields));
        let name = attributes.metadata().name();
        SEEN.with_borrow_mut(|seen| seen.spans.insert(id.into_u64(), (name, fields)));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        SEEN.with_borrow_mut(|seen| {
            let (_, fields) = seen.spans.get_mut(&id.into_u64()).unwrap();
            values.record(&mut Visitor(fields));
        });
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() != tracing::Level::WARN {
            return;
        }
        let mut fields = Fields::new();
        event.record(&mut Visitor(&mut fields));
        let message = fields.remove("message").unwrap();
        SEEN.with_borrow_mut(|seen| seen.warnings.push(message));
    }
}

/// Records spans and warnings from now on.
fn start_recording() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(Recorder);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    take();
}

fn take() -> Seen {
    SEEN.with_borrow_mut(std::mem::take)
}

/// Returns the fields of the only request since the last call.
#[track_caller]
fn take_request() -> Fields {
    let spans = take().spans.into_values();
    let mut requests: Vec<_> = spans
        .filter(|(name, _)| *name == "provider request")
        .collect();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    requests.remove(0).1
}

#[tokio::test(start_paused = true)]
async fn a_request_has_a_span_with_the_names_of_otel() {
    start_recording();
    let world = World::plain();
    let account = world.account();
    account.adopt(issue_tokens(&world.emulator)).await.unwrap();
    let faults = world.emulator.faults();
    account.refresh().await.unwrap();
    let fields = take_request();
    for (name, value) in [
        ("otel.name", "POST"),
        ("otel.kind", "client"),
        ("http.request.method", "POST"),
        ("http.response.status_code", "200"),
        ("provider", account.provider()),
    ] {
        assert_eq!(fields.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(
        fields.get("server.address").map(String::as_str),
        Some(account.site().host())
    );
    assert!(fields.contains_key("server.port"));
    assert!(!fields.contains_key("error.type"));
    for (fault, error, status) in [
        (EndpointFault::TooManyRequestsBare, "429", Some("429")),
        (EndpointFault::CutBeforeAnswer, "connection_cut", None),
    ] {
        // After a cut connection, the first replay follows at once.
        faults.always(Endpoint::Token, fault);
        take();
        account.refresh().await.unwrap_err();
        let spans: Vec<_> = take().spans.into_values().collect();
        assert!(!spans.is_empty());
        for (_, fields) in spans {
            assert_eq!(fields["error.type"], error);
            assert_eq!(fields["otel.status_code"], "ERROR");
            let seen = fields.get("http.response.status_code");
            assert_eq!(seen.map(String::as_str), status);
        }
        faults.clear_all();
        tokio::time::sleep(seconds(600)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_span_names_no_site_of_a_tenant() {
    start_recording();
    let world = World::ioffice();
    let account = world.account();
    account.adopt(issue_tokens(&world.emulator)).await.unwrap();
    account.refresh().await.unwrap();
    let fields = take_request();
    assert_eq!(fields["http.response.status_code"], "200");
    let host = account.site().host();
    for (name, value) in fields {
        assert!(!value.contains(host), "{name}: {value}");
        assert!(!value.contains(account.subject()), "{name}: {value}");
    }
}

/// A recorder of which every call panics.
#[cfg(feature = "metrics")]
struct Panics;

#[cfg(feature = "metrics")]
mod panics {
    use metrics::{
        Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    };

    impl Recorder for super::Panics {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
            panic!("a panic of a test");
        }

        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
            panic!("a panic of a test");
        }

        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
            panic!("a panic of a test");
        }

        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            panic!("a panic of a test");
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            panic!("a panic of a test");
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            panic!("a panic of a test");
        }
    }
}

#[cfg(feature = "metrics")]
#[tokio::test(start_paused = true)]
async fn a_recorder_that_panics_is_logged_once() {
    start_recording();
    let _guard = metrics::set_default_local_recorder(&Panics);
    let world = World::plain();
    let account = world.connect_account().await;
    account.refresh().await.unwrap();
    tokio::time::sleep(seconds(60)).await;
    settle().await;
    let warnings = take().warnings;
    let panics = warnings
        .iter()
        .filter(|line| line.contains("metrics recorder panics"));
    assert_eq!(panics.count(), 1, "{warnings:?}");
}
