//! Starting workers, telling them what to do, and hearing what they say.

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
    judge::{Evidence, Life},
    said::{Line, Order, Said},
};

/// What all workers are started with.
#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) program: PathBuf,
    pub(super) directory: PathBuf,
    pub(super) provider: String,
    pub(super) accounts: usize,
    pub(super) seed: u64,
    pub(super) evidence: Arc<Mutex<Evidence>>,
    /// Every line of every worker, as it comes.
    pub(super) heard: UnboundedSender<Line>,
}

/// A process.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) name: String,
    pub(super) child: Child,
    pub(super) orders: UnboundedSender<Order>,
    /// Ends with its output.
    pub(super) hearing: JoinHandle<()>,
    pub(super) stopped: bool,
}

/// Which worker it is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) slot: usize,
    /// How many there were in this place, this one included.
    pub(super) count: usize,
    pub(super) store: &'a str,
    pub(super) audit: bool,
}

impl Fleet {
    pub(super) fn evidence(&self) -> MutexGuard<'_, Evidence> {
        self.evidence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, name: &str, change: impl FnOnce(&mut Life)) {
        self.evidence().lives.get_mut(name).map(change);
    }

    /// Starts a worker. `redeeming` is told when it sends a token request, and when it has the answer.
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
        let life = Life {
            slot: place.slot,
            ..Life::default()
        };
        self.evidence().lives.insert(name.clone(), life);
        let (orders, waiting) = mpsc::unbounded_channel();
        tokio::spawn(tell(input, waiting));
        let hearing = hear(self.clone(), name.clone(), redeeming, output);
        Ok(Worker {
            name,
            child,
            orders,
            hearing: tokio::spawn(hearing),
            stopped: false,
        })
    }
}

async fn tell(mut input: ChildStdin, mut orders: UnboundedReceiver<Order>) {
    while let Some(order) = orders.recv().await {
        let mut text = serde_json::to_string(&order).expect("an order has string keys");
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
            // Nobody listens any more when the run is over.
            let _ = fleet.heard.send(line.clone());
            fleet.note(&name, |life| life.lines.push(line));
        }
    }
}
