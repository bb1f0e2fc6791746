//! The workers: each slot has one process after the other.

use std::{
    fs::File,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::{
        Notify,
        mpsc::{self, UnboundedReceiver, UnboundedSender},
    },
    time::timeout,
};

use super::signal::{self, Signal};
use crate::{
    BoxError,
    judge::{Evidence, Life, Span},
    said::{Line, Order, Said, now},
};

/// What all workers are started with.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) program: PathBuf,
    pub(crate) directory: PathBuf,
    pub(crate) provider: String,
    pub(crate) accounts: usize,
    pub(crate) seed: u64,
    pub(crate) evidence: Arc<Mutex<Evidence>>,
    /// Every line of every worker, as it comes.
    pub(crate) heard: UnboundedSender<Line>,
}

/// A place for workers.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) index: usize,
    /// What its workers are told to open.
    store: String,
    state: Mutex<State>,
    /// Told when its worker sends a token request, and when it has the answer.
    redeeming: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    worker: Option<Worker>,
    count: usize,
}

#[derive(Debug)]
struct Worker {
    name: String,
    child: Child,
    orders: UnboundedSender<Order>,
    /// Ends with its output.
    hearing: tokio::task::JoinHandle<()>,
    stopped: bool,
}

impl Fleet {
    pub(crate) fn evidence(&self) -> MutexGuard<'_, Evidence> {
        self.evidence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn life<T>(&self, name: &str, change: impl FnOnce(&mut Life) -> T) -> Option<T> {
        self.evidence().lives.get_mut(name).map(change)
    }
}

impl Slot {
    pub(crate) fn new(index: usize, store: String) -> Self {
        Self {
            index,
            store,
            state: Mutex::default(),
            redeeming: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a worker; nothing happens where there is one.
    pub(crate) fn start(&self, fleet: &Arc<Fleet>, audit: bool) -> Result<(), BoxError> {
        let mut state = self.state();
        if state.worker.is_some() {
            return Ok(());
        }
        state.count += 1;
        let name = format!("{}.{}", self.index, state.count);
        state.worker = Some(self.spawn(fleet, name, state.count, audit)?);
        Ok(())
    }

    fn spawn(
        &self,
        fleet: &Arc<Fleet>,
        name: String,
        count: usize,
        audit: bool,
    ) -> Result<Worker, BoxError> {
        let seed = fleet.seed ^ ((self.index as u64) << 32) ^ count as u64;
        let errors = File::create(fleet.directory.join(format!("worker-{name}.log")))?;
        let mut command = Command::new(&fleet.program);
        command
            .args(["worker", "--name", &name, "--store", &self.store])
            .args(["--provider", &fleet.provider])
            .args(["--accounts", &fleet.accounts.to_string()])
            .args(["--seed", &seed.to_string()])
            .args(audit.then_some("--audit"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (input, output) = input.zip(output).ok_or("a worker has pipes")?;
        let (orders, waiting) = mpsc::unbounded_channel();
        tokio::spawn(tell(input, waiting));
        let life = Life {
            slot: self.index,
            ..Life::default()
        };
        fleet.evidence().lives.insert(name.clone(), life);
        let hearing = tokio::spawn(hear(
            fleet.clone(),
            name.clone(),
            self.redeeming.clone(),
            output,
        ));
        Ok(Worker {
            name,
            child,
            orders,
            hearing,
            stopped: false,
        })
    }

    /// SIGKILL. Says whether there was anybody.
    pub(crate) async fn kill(&self, fleet: &Fleet) -> Result<bool, BoxError> {
        let Some(mut worker) = self.state().worker.take() else {
            return Ok(false);
        };
        fleet.life(&worker.name, |life| life.killed = Some(now()));
        worker.child.kill().await?;
        // What it had said is still in the pipe.
        worker.hearing.await?;
        fleet.life(&worker.name, |life| life.ended = Some(now()));
        Ok(true)
    }

    /// SIGSTOP, and SIGCONT after a while to whoever is still there. Says whether there was anybody.
    pub(crate) async fn stop(&self, fleet: &Fleet, length: Duration) -> Result<bool, BoxError> {
        let (name, process) = {
            let mut state = self.state();
            let Some(worker) = state.worker.as_mut().filter(|worker| !worker.stopped) else {
                return Ok(false);
            };
            let Some(process) = worker.child.id() else {
                return Ok(false);
            };
            worker.stopped = true;
            (worker.name.clone(), process)
        };
        let from = now();
        fleet.life(&name, |life| life.stops.push(Span { from, to: u64::MAX }));
        signal::send(Signal::Stop, process).await?;
        tokio::time::sleep(length).await;
        let still_there = {
            let mut state = self.state();
            let worker = state.worker.as_mut().filter(|worker| worker.name == name);
            worker.map(|worker| worker.stopped = false).is_some()
        };
        if still_there {
            signal::send(Signal::Continue, process).await?;
        }
        fleet.life(&name, |life| {
            if let Some(stop) = life.stops.iter_mut().find(|stop| stop.from == from) {
                stop.to = now();
            }
        });
        Ok(true)
    }

    /// Waits until the worker sends a token request, or has the answer to one, but not for long.
    pub(crate) async fn redeems(&self) {
        let _ = timeout(Duration::from_secs(2), self.redeeming.notified()).await;
    }

    /// Whether there is a worker that is not stopped.
    pub(crate) fn works(&self) -> bool {
        let state = self.state();
        state.worker.as_ref().is_some_and(|worker| !worker.stopped)
    }

    /// Tells the worker, if there is one.
    pub(crate) fn order(&self, order: Order) -> bool {
        let state = self.state();
        let worker = state.worker.as_ref();
        worker.is_some_and(|worker| worker.orders.send(order).is_ok())
    }

    /// Waits for the end of a worker that was told to finish, or does so by itself.
    pub(crate) async fn end(&self, fleet: &Fleet, patience: Duration) -> Result<(), BoxError> {
        let Some(mut worker) = self.state().worker.take() else {
            return Ok(());
        };
        // Its input ends with it.
        drop(worker.orders);
        let problem = match timeout(patience, worker.child.wait()).await {
            Ok(status) => {
                let status = status?;
                (!status.success()).then(|| format!("it ended with {status}"))
            }
            Err(_) => {
                worker.child.kill().await?;
                Some(format!("it did not end within {} s", patience.as_secs()))
            }
        };
        worker.hearing.await?;
        fleet.life(&worker.name, |life| {
            life.ended = Some(now());
            life.problem = problem;
        });
        Ok(())
    }
}

async fn tell(mut input: ChildStdin, mut orders: UnboundedReceiver<Order>) {
    while let Some(order) = orders.recv().await {
        let Ok(mut text) = serde_json::to_string(&order) else {
            continue;
        };
        text.push('\n');
        if input.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn hear(fleet: Arc<Fleet>, name: String, redeeming: Arc<Notify>, output: ChildStdout) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(text)) = lines.next_line().await {
        // Half a line is the last of a process that was killed.
        if let Ok(line) = serde_json::from_str::<Line>(&text) {
            if matches!(line.said, Said::Sent { .. } | Said::Answered { .. }) {
                redeeming.notify_waiters();
            }
            let _ = fleet.heard.send(line.clone());
            fleet.life(&name, |life| life.lines.push(line));
        }
    }
}
