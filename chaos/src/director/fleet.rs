//! Processes of workers: their start, their orders and their events.

use std::{
    fs::File,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::{
        Notify,
        mpsc::{self, UnboundedReceiver, UnboundedSender},
    },
    task::JoinHandle,
};

use crate::{
    BoxError,
    judge::{Evidence, WorkerLog},
    message::{Line, Order, WorkerEvent},
};

/// The arguments that all workers share.
#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) program: PathBuf,
    pub(super) directory: PathBuf,
    pub(super) provider: String,
    pub(super) accounts: usize,
    pub(super) seed: u64,
    pub(super) evidence: Arc<Mutex<Evidence>>,
    /// Receives every line of every worker at once.
    pub(super) lines: UnboundedSender<Line>,
}

/// A running worker process.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) name: String,
    pub(super) child: Child,
    pub(super) orders: UnboundedSender<Order>,
    /// Reads its output until the end.
    pub(super) reader: JoinHandle<()>,
    pub(super) stopped: bool,
}

/// The slot, number, store and role of a worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) slot: usize,
    /// The number of workers in this slot so far, with this one.
    pub(super) count: usize,
    pub(super) store: &'a str,
    pub(super) audit: bool,
}

impl Fleet {
    pub(super) fn evidence(&self) -> MutexGuard<'_, Evidence> {
        self.evidence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, name: &str, change: impl FnOnce(&mut WorkerLog)) {
        self.evidence().workers.get_mut(name).map(change);
    }

    /// Starts a worker. `redeeming` is notified at each token request and at each answer.
    pub(super) fn spawn(
        self: &Arc<Self>,
        place: Place<'_>,
        redeeming: Arc<Notify>,
    ) -> Result<Worker, BoxError> {
        let name = format!("{}.{}", place.slot, place.count);
        let seed = self.seed ^ ((place.slot as u64) << 32) ^ place.count as u64;
        let errors = File::create(self.directory.join(format!("worker-{name}.log")))?;
        let mut command = Command::new(&self.program);
        command
            .args(["worker", "--name", &name, "--store", place.store])
            .args(["--provider", &self.provider])
            .args(["--accounts", &self.accounts.to_string()])
            .args(["--seed", &seed.to_string()])
            .args(place.audit.then_some("--audit"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (input, output) = input.zip(output).ok_or("a worker has no pipes")?;
        let log = WorkerLog {
            slot: place.slot,
            ..WorkerLog::default()
        };
        self.evidence().workers.insert(name.clone(), log);
        let (orders, waiting) = mpsc::unbounded_channel();
        tokio::spawn(write_orders(input, waiting));
        let reader = read_lines(self.clone(), name.clone(), redeeming, output);
        Ok(Worker {
            name,
            child,
            orders,
            reader: tokio::spawn(reader),
            stopped: false,
        })
    }
}

async fn write_orders(mut input: ChildStdin, mut orders: UnboundedReceiver<Order>) {
    while let Some(order) = orders.recv().await {
        let mut text = serde_json::to_string(&order).expect("an order has string keys");
        text.push('\n');
        if input.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read_lines(fleet: Arc<Fleet>, name: String, redeeming: Arc<Notify>, output: ChildStdout) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(text)) = lines.next_line().await {
        // A killed process may leave half a line.
        if let Ok(line) = serde_json::from_str::<Line>(&text) {
            if matches!(
                line.event,
                WorkerEvent::RequestSent { .. } | WorkerEvent::RequestAnswered { .. }
            ) {
                redeeming.notify_waiters();
            }
            // The receiver is gone when the run is over.
            let _ = fleet.lines.send(line.clone());
            fleet.note(&name, |log| log.lines.push(line));
        }
    }
}
