//! The run, from the first login to the audit.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use http::Method;
use tokenkeeper_emulator::{Counters, Outcome};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{Setting, plan::Plan, stage::Stage};
use crate::{
    BoxError,
    judge::{Evidence, Shown, ShownOutcome, Span, Trouble},
    random::Random,
    said::{Grant, Line, Order, Said, micros, now},
    worker::{HEADER, presented},
};

/// What a run leaves.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) evidence: Evidence,
    pub(crate) faults: BTreeMap<&'static str, usize>,
    pub(crate) began: std::time::SystemTime,
    /// Where the store was, and where the workers' logs are.
    pub(crate) directory: PathBuf,
}

/// Between the last fault and the end of the workers: what is under way ends.
const SETTLING: Duration = Duration::from_secs(7);

/// How long a worker may take to end, an audit included.
const PATIENCE: Duration = Duration::from_secs(40);

pub(crate) async fn run(setting: &Setting) -> Result<Played, BoxError> {
    let began = std::time::SystemTime::now();
    let directory = directory()?;
    let evidence = Arc::<Mutex<Evidence>>::default();
    watch_ourselves(&evidence)?;
    let (stage, heard) = Stage::build(setting, &directory, evidence.clone()).await?;
    let stage = Arc::new(stage);
    for slot in stage.working() {
        slot.start(&stage.fleet, false)?;
    }
    let connecting = tokio::spawn(keep_connected(stage.clone(), heard, setting.clone()));
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
    evidence.presentations = presentations(&stage)?;
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
fn directory() -> Result<PathBuf, BoxError> {
    let name = format!("tokenkeeper-chaos-{}-{}", std::process::id(), now());
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

/// Connects accounts that need it: a person who is told that a new login is needed makes one.
async fn keep_connected(stage: Arc<Stage>, mut heard: UnboundedReceiver<Line>, setting: Setting) {
    let mut random = Random::new(!setting.seed);
    let mut due: BTreeMap<usize, Instant> = BTreeMap::new();
    loop {
        let line = timeout(Duration::from_millis(50), heard.recv()).await;
        let now = Instant::now();
        match line.map(|line| line.map(|line| line.said)) {
            Ok(None) => return,
            // Somebody who is stopped may yet have an answer that saves it.
            Ok(Some(Said::Refused { account, .. })) => {
                let pause = random.millis(1000, 6000);
                due.entry(account).or_insert(now + pause);
            }
            Ok(Some(Said::LoginOver { account, error })) => {
                due.remove(&account);
                if error.is_some() {
                    due.insert(account, now + random.millis(200, 1000));
                }
            }
            Ok(Some(_)) | Err(_) => {}
        }
        for (account, at) in due.iter_mut().filter(|(_, at)| **at <= now) {
            let slots = stage.working();
            let first = usize::try_from(random.below(slots.len() as u64)).unwrap_or(0);
            let mut turns = slots.iter().cycle().skip(first).take(slots.len());
            if let Some(slot) = turns.find(|slot| slot.works()) {
                slot.order(Order::Connect { account: *account });
            }
            // Whoever was told may be killed over it.
            *at = now + Duration::from_secs(5);
        }
    }
}

/// What the emulator saw, each presentation with its sender.
fn presentations(stage: &Stage) -> Result<Vec<Shown>, BoxError> {
    let Counters { presentations, .. } = stage.emulator.counters();
    let requests = stage.emulator.recorded_requests();
    // It notes both in the order of arrival.
    let senders = requests
        .iter()
        .filter(|request| request.method() == Method::POST)
        .filter_map(|request| match presented(request.body()) {
            Some((Grant::Refresh, mark)) => Some((mark, request.headers().get(HEADER))),
            _ => None,
        });
    let senders: Vec<_> = senders.collect();
    if senders.len() != presentations.len() {
        return Err("the emulator's log has another length than its requests".into());
    }
    let mut all = Vec::new();
    for (seen, (mark, header)) in presentations.iter().zip(senders) {
        let header = header.ok_or("a token request that no worker made")?;
        let (worker, send) = header
            .to_str()?
            .split_once('/')
            .ok_or("a token request that no worker made")?;
        all.push(Shown {
            order: seen.order,
            mark,
            worker: worker.to_owned(),
            send: send.parse()?,
            began: micros(seen.began),
            ended: seen.ended.map(micros),
            abandoned: seen.abandoned.is_some(),
            outcome: match seen.outcome {
                Outcome::Granted { .. } | Outcome::GrantedUnanswered { .. } => {
                    ShownOutcome::Granted
                }
                Outcome::Refused { .. } => ShownOutcome::Refused,
                _ => ShownOutcome::Unseen,
            },
            concurrent: seen.concurrent,
            after_answer: seen.after_answer,
        });
    }
    Ok(all)
}

fn ends(evidence: &Evidence) -> BTreeMap<usize, crate::said::End> {
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
                    what: "a machine that let nobody run".into(),
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
