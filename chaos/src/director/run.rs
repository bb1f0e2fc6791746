//! A run, from the first login to the audit.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::sleep};

use super::{RunOptions, presentations, schedule::Schedule, testbed::Testbed, users};
use crate::{
    BoxError,
    judge::{Disturbance, Evidence, Span},
    message::{FinalState, Order, WorkerEvent, now},
};

/// The record of a run.
#[derive(Debug)]
pub(super) struct RunRecord {
    pub(super) evidence: Evidence,
    pub(super) faults: BTreeMap<&'static str, usize>,
    pub(super) began: std::time::SystemTime,
    /// The folder of the store and of the workers' logs.
    pub(super) directory: PathBuf,
}

/// The time between the last fault and the end of the workers, for running work to finish.
const SETTLING: Duration = Duration::from_secs(7);

/// How long a worker may take to end, an audit included.
const END_TIMEOUT: Duration = Duration::from_secs(40);

pub(super) async fn run(options: &RunOptions) -> Result<RunRecord, BoxError> {
    let began = std::time::SystemTime::now();
    let directory = create_directory(options)?;
    let evidence = Arc::<Mutex<Evidence>>::default();
    watch_stalls(&evidence)?;
    let (testbed, lines) = Testbed::build(options, &directory, evidence.clone()).await?;
    let testbed = Arc::new(testbed);
    for slot in testbed.worker_slots() {
        slot.start(&testbed.fleet, false)?;
    }
    let connecting = tokio::spawn(users::keep_connected(
        testbed.clone(),
        lines,
        options.clone(),
    ));
    for account in 0..options.accounts {
        let slot = &testbed.worker_slots()[account % options.workers];
        slot.order(Order::Connect { account });
    }
    inject_faults(&testbed, options).await?;
    connecting.abort();
    testbed.clear_faults();
    sleep(SETTLING).await;
    for slot in testbed.worker_slots() {
        slot.order(Order::Finish);
    }
    for slot in testbed.worker_slots() {
        slot.end(&testbed.fleet, END_TIMEOUT).await?;
    }
    testbed.auditor().start(&testbed.fleet, true)?;
    testbed.auditor().end(&testbed.fleet, END_TIMEOUT).await?;
    let mut evidence =
        std::mem::take(&mut *evidence.lock().unwrap_or_else(PoisonError::into_inner));
    evidence.presentations = presentations::collect(&testbed)?;
    evidence.final_states = final_states(&evidence);
    let record = RunRecord {
        evidence,
        faults: testbed.faults(),
        began,
        directory,
    };
    let testbed = Arc::try_unwrap(testbed).map_err(|_| "a task of the run goes on")?;
    testbed.end().await?;
    Ok(record)
}

/// Creates a folder for this run.
fn create_directory(options: &RunOptions) -> Result<PathBuf, BoxError> {
    let (store, process) = (options.store.name(), std::process::id());
    let name = format!("tokenkeeper-chaos-{process}-{store}-{}", now());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir(&directory)?;
    Ok(directory)
}

/// Injects faults by the schedule for the length of the run, and waits until all are over.
async fn inject_faults(testbed: &Arc<Testbed>, options: &RunOptions) -> Result<(), BoxError> {
    let mut schedule = Schedule::new(options);
    let mut faults = JoinSet::new();
    let until = Instant::now() + options.length;
    // Time for the first logins.
    sleep(Duration::from_secs(2)).await;
    while Instant::now() < until {
        let (pause, fault) = schedule.next();
        sleep(pause).await;
        let testbed = testbed.clone();
        faults.spawn(async move { testbed.inject(fault).await });
        while let Some(ended) = faults.try_join_next() {
            ended??;
        }
    }
    while let Some(ended) = faults.join_next().await {
        ended??;
    }
    Ok(())
}

fn final_states(evidence: &Evidence) -> BTreeMap<usize, FinalState> {
    let lines = evidence.workers.values().flat_map(|log| &log.lines);
    lines
        .filter_map(|line| match &line.event {
            WorkerEvent::Audit { account, end } => Some((*account, end.clone())),
            _ => None,
        })
        .collect()
}

/// Records when the machine does not run this process, which delays the emulator and all links.
fn watch_stalls(evidence: &Arc<Mutex<Evidence>>) -> std::io::Result<()> {
    let evidence = Arc::downgrade(evidence);
    let watch = move || {
        loop {
            let from = now();
            thread::sleep(Duration::from_millis(20));
            let Some(evidence) = evidence.upgrade() else {
                return;
            };
            let span = Span { from, to: now() };
            if span.to - span.from > 200_000 {
                let disturbance = Disturbance {
                    span,
                    what: "a machine that did not run this process",
                    slot: None,
                };
                let mut evidence = evidence.lock().unwrap_or_else(PoisonError::into_inner);
                evidence.disturbances.push(disturbance);
            }
        }
    };
    thread::Builder::new().name("stalls".into()).spawn(watch)?;
    Ok(())
}
