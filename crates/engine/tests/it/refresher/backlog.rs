//! Many accounts that are due at once, and what they may not delay.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Request, Response};
use tokenkeeper_engine::{
    Clock as _, EventKind, RequestBody, Transport, TransportError,
    store::{Entry, Key, TokenStore, Version},
};

use super::{
    fleet::{Fleet, StrictProvider, provider},
    parts::PartedStore,
    run,
};
use crate::harness::{MINUTE, SECOND};

/// Accounts in a burst.
const BURST: u32 = if cfg!(debug_assertions) {
    1_600
} else {
    60_000
};

/// Lanes of the worker: it finishes a burst before the first of it is due again.
const LANES: usize = if cfg!(debug_assertions) { 8 } else { 32 };

/// A burst whose visits take a tenth of a second, and the time in which the lanes finish it.
async fn burst() -> (Fleet, Duration) {
    let fleet = Fleet::connect(BURST, MINUTE).await;
    tokio::time::advance(55 * MINUTE).await;
    fleet.provider.answer_after(SECOND / 10);
    (fleet, SECOND * BURST / (10 * LANES as u32))
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_refreshed_without_a_rest() {
    let (fleet, ideal) = burst().await;
    let store = Arc::new(PartedStore::new(&fleet.store));
    let process = fleet.process_on(store.clone());
    let reported = Mutex::new(Vec::new());
    let events = process.events().for_each(async |event| match event.kind {
        EventKind::RefresherBehind { due, late } => {
            assert!(due > BURST as usize / 4 && late > MINUTE, "{due} {late:?}");
            reported.lock().unwrap().push("behind");
        }
        EventKind::RefresherCaughtUp { lasted } => {
            assert!(lasted <= ideal.mul_f64(1.15), "{lasted:?}");
            reported.lock().unwrap().push("caught up");
        }
        _ => {}
    });
    let work = async {
        tokio::time::sleep(ideal / 2).await;
        let backlog = process.backlogs()[0];
        let left = BURST as usize - fleet.provider.seen(|seen| seen.refreshed) as usize;
        let known = left * 3 / 4..=left * 5 / 4;
        assert!(known.contains(&backlog.due), "{backlog:?}, {left} left");
        assert!(backlog.late > MINUTE, "{backlog:?}");
        let busy = LANES * 3 / 4..=LANES;
        assert!(busy.contains(&backlog.in_flight), "{backlog:?}");
        tokio::time::sleep(ideal.mul_f64(0.65)).await;
    };
    tokio::select! {
        done = process.refresher().concurrency(LANES).run(work) => done.unwrap(),
        () = events => unreachable!("the engine runs"),
    }
    fleet.provider.seen(|seen| {
        assert_eq!((seen.refreshed, seen.refused), (BURST, 0));
        // Not a second without full work, up to the last.
        let seconds = &seen.per_second[seen.per_second.len() - ideal.as_secs() as usize..];
        let least = seconds[1..seconds.len() - 4].iter().min().unwrap();
        assert!(*least as usize * 8 >= LANES * 70, "{seconds:?}");
    });
    let gets = store.gets.load(Ordering::SeqCst);
    assert!(gets <= BURST as usize * 11 / 10, "{gets} reads");
    assert_eq!(*reported.lock().unwrap(), ["behind", "caught up"]);
    assert_eq!(process.backlogs()[0], Default::default());
}

#[tokio::test(start_paused = true)]
async fn accounts_that_become_due_behind_a_backlog_stay_in_time() {
    let fleet = Fleet::connect(BURST, MINUTE).await;
    tokio::time::advance(45 * MINUTE).await;
    // Some of them are due during the backlog, long before they expire.
    fleet.connect_more(600).await;
    tokio::time::advance(10 * MINUTE).await;
    fleet.provider.answer_after(SECOND);
    let process = fleet.process();
    let work = async {
        // Those that became due before the start are a part of the backlog.
        let before = fleet.overdue(Duration::ZERO).await;
        tokio::time::sleep(10 * SECOND).await;
        let mut due = 0;
        for _ in 0..10 {
            tokio::time::sleep(10 * SECOND).await;
            let late = fleet.overdue(5 * SECOND).await;
            let late: Vec<_> = late.iter().filter(|n| !before.contains(n)).collect();
            assert!(late.is_empty(), "late: {late:?}");
            due = fleet.overdue(Duration::ZERO).await.len();
        }
        assert!(due > BURST as usize / 4, "the backlog lasts: {due} due");
    };
    process.refresher().run(work).await.unwrap();
}

/// Answers for two providers: for the fleet's, and 429 for another one.
#[derive(Debug)]
struct TwoProviders {
    fleet: Arc<StrictProvider>,
    /// How long the other provider takes to answer.
    delay: Duration,
    /// The value of its `Retry-After`.
    retry_after: &'static str,
}

#[async_trait]
impl Transport for TwoProviders {
    async fn send(
        &self,
        request: Request<RequestBody>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        if request.uri().host() == Some("plain.example") {
            return self.fleet.send(request, deadline).await;
        }
        tokio::time::sleep(self.delay).await;
        let answer = Response::builder().status(429);
        let answer = answer.header("retry-after", self.retry_after);
        Ok(answer.body(Bytes::new()).unwrap())
    }
}

/// Lets a refresher work while 1,000 accounts of another provider are overdue that cannot be
/// refreshed, and asserts that the fleet's accounts are not late.
async fn next_to_another_provider(delay: Duration, retry_after: &'static str) {
    let fleet = Fleet::connect(400, MINUTE).await;
    let store = Arc::new(PartedStore::new(&fleet.store));
    let builder = fleet.builder_on(store.clone()).provider(provider("other"));
    let transport = TwoProviders {
        fleet: fleet.provider.clone(),
        delay,
        retry_after,
    };
    let process = builder.transport(Arc::new(transport)).build().unwrap();
    let now = fleet.clock.wall();
    for n in 0..1000 {
        let account = process
            .account("other", &(1_000_000 + n).to_string())
            .unwrap();
        let tokens = tokenkeeper_engine::protocol::TokenSet::new("access")
            .with_refresh_token("refresh")
            .with_issued_at(now - 60 * MINUTE)
            .with_expires_at(now - MINUTE);
        account.adopt(tokens).await.unwrap();
    }
    let work = async {
        for _ in 0..40 {
            tokio::time::sleep(15 * SECOND).await;
            let late = fleet.overdue(5 * SECOND).await;
            let late: Vec<_> = late.iter().filter(|n| **n < 1_000_000).collect();
            assert!(late.is_empty(), "late: {late:?}");
        }
    };
    process.refresher().run(work).await.unwrap();
    fleet.provider.seen(|seen| assert!(seen.refreshed > 0));
    // Ten walks over the backlog, and one page a second behind it.
    let lists = store.lists.load(Ordering::SeqCst);
    assert!(lists < 600 * 3 / 2, "{lists} pages");
}

#[tokio::test(start_paused = true)]
async fn a_paused_provider_delays_no_other() {
    next_to_another_provider(Duration::ZERO, "3600").await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_provider_delays_no_other() {
    next_to_another_provider(20 * SECOND, "0").await;
}

#[tokio::test(start_paused = true)]
async fn accounts_of_another_application_delay_no_others() {
    let fleet = Fleet::connect(400, MINUTE).await;
    let due = fleet.clock.wall() - MINUTE;
    for n in 0..3_000 {
        let key = Key::new(
            "unknown",
            "https://unknown.example",
            "client",
            &n.to_string(),
        );
        let entry = Entry::new(Version::random(), "theirs").with_due(due);
        let _ = fleet.store.put(&key.unwrap(), &entry, None).await.unwrap();
    }
    let store = Arc::new(PartedStore::new(&fleet.store));
    run(fleet.process_on(store.clone()).refresher(), 20 * MINUTE).await;
    let theirs = fleet.overdue(5 * SECOND).await.len();
    assert_eq!(theirs, 3_000, "none of ours is late");
    fleet.provider.seen(|seen| assert!(seen.refreshed > 100));
    let lists = store.lists.load(Ordering::SeqCst);
    // Twenty walks over their accounts, and at most two pages a second behind them.
    assert!(lists < 20 * 20 + 1200 * 2, "{lists} pages");
}
