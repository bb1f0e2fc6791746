//! The run, from the first login to the audit.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::sleep};

use super::{Setting, log, people, plan::Plan, stage::Stage};
use crate::{
    BoxError,
    judge::{Evidence, Span, Trouble},
    said::{End, Order, Said, now},
};

/// What a run leaves.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) evidence: Evidence,
    pub(super) faults: BTreeMap<&'static str, usize>,
    pub(super) began: std::time::SystemTime,
    /// Where the store was, and where the workers' logs are.
    pub(super) directory: PathBuf,
}

/// Between the last fault and the end of the workers: what is under way ends.
const SETTLING: Duration = Duration::from_secs(7);

/// How long a worker may take to end, an audit included.
const PATIENCE: Duration = Duration::from_secs(40);

pub(super) async fn run(setting: &Setting) -> Result<Played, BoxError> {
    let began = std::time::SystemTime::now();
    let directory = directory(setting)?;
    let evidence = Arc::<Mutex<Evidence>>::default();
    watch_ourselves(&evidence)?;
    let (stage, heard) = Stage::build(setting, &directory, evidence.clone()).await?;
    let stage = Arc::new(stage);
    for slot in stage.working() {
        slot.start(&stage.fleet, false)?;
    }
    let connecting = tokio::spawn(people::keep_connected(
        stage.clone(),
        heard,
        setting.clone(),
    ));
    for account in 0..setting.accounts {
        let slot = &stage.working()[account % setting.workers];
        slot.order(Order::Connect { account });
    }
    spoil(&stage, setting).await?;
    connecting.abort();
    stage.heal();
    sleep(SETTLING).await;
    for slot in stage.working() {
        slot.order(Order::Finish);
    }
    for slot in stage.working() {
        slot.end(&stage.fleet, PATIENCE).await?;
    }
    stage.auditor().start(&stage.fleet, true)?;
    stage.auditor().end(&stage.fleet, PATIENCE).await?;
    let mut evidence =
        std::mem::take(&mut *evidence.lock().unwrap_or_else(PoisonError::into_inner));
    evidence.presentations = log::presentations(&stage)?;
    evidence.ends = ends(&evidence);
    let played = Played {
        evidence,
        faults: stage.faults(),
        began,
        directory,
    };
    let stage = Arc::try_unwrap(stage).map_err(|_| "a task of the run goes on")?;
    stage.end().await?;
    Ok(played)
}

/// A directory of this run alone.
fn directory(setting: &Setting) -> Result<PathBuf, BoxError> {
    let (store, process) = (setting.store.name(), std::process::id());
    let name = format!("tokenkeeper-chaos-{process}-{store}-{}", now());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir(&directory)?;
    Ok(directory)
}

/// Spoils things by the plan for as long as the run lasts, and waits until all faults are over.
async fn spoil(stage: &Arc<Stage>, setting: &Setting) -> Result<(), BoxError> {
    let mut plan = Plan::new(setting);
    let mut faults = JoinSet::new();
    let until = Instant::now() + setting.length;
    // The first tokens first.
    sleep(Duration::from_secs(2)).await;
    while Instant::now() < until {
        let (pause, fault) = plan.next();
        sleep(pause).await;
        let stage = stage.clone();
        faults.spawn(async move { stage.inflict(fault).await });
        while let Some(ended) = faults.try_join_next() {
            ended??;
        }
    }
    while let Some(ended) = faults.join_next().await {
        ended??;
    }
    Ok(())
}

fn ends(evidence: &Evidence) -> BTreeMap<usize, End> {
    let lines = evidence.lives.values().flat_map(|life| &life.lines);
    lines
        .filter_map(|line| match &line.said {
            Said::Audit { account, end } => Some((*account, end.clone())),
            _ => None,
        })
        .collect()
}

/// A machine that does not let this process run delays everybody: the emulator, and the ways to the store.
fn watch_ourselves(evidence: &Arc<Mutex<Evidence>>) -> std::io::Result<()> {
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
                let trouble = Trouble {
                    span,
                    what: "a machine that let nobody run",
                    slot: None,
                };
                let mut evidence = evidence.lock().unwrap_or_else(PoisonError::into_inner);
                evidence.troubles.push(trouble);
            }
        }
    };
    thread::Builder::new().name("stalls".into()).spawn(watch)?;
    Ok(())
}
