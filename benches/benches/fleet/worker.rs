//! Worker processes, and what the operating system counts of them.

use std::{
    fs,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokenkeeper_engine::Accounts;
use tokenkeeper_tower::HyperTransport;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    task::JoinSet,
};

use crate::{
    fill::{self, FIRST},
    testbed,
};

/// The first argument of a worker process.
pub(crate) const ARGUMENT: &str = "worker";

/// What a worker does once it may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Runs a refresher.
    Refresher,
    /// Refreshes its share of the accounts by number, one after the other: it lists nothing, so
    /// this is the rate that a refresher can reach.
    Ideal { accounts: usize },
    /// Uses all accounts again and again, each several times a minute.
    User { accounts: usize },
}

/// What a worker is told by its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) role: Role,
    pub(crate) store: String,
    pub(crate) endpoint: String,
    /// The number of refreshes at once.
    pub(crate) concurrency: usize,
    pub(crate) workers: usize,
}

impl Job {
    fn arguments(&self, number: usize) -> [String; 8] {
        let (role, accounts) = match self.role {
            Role::Refresher => ("refresher", 0),
            Role::Ideal { accounts } => ("ideal", accounts),
            Role::User { accounts } => ("user", accounts),
        };
        [
            ARGUMENT.to_owned(),
            role.to_owned(),
            accounts.to_string(),
            self.store.clone(),
            self.endpoint.clone(),
            self.concurrency.to_string(),
            self.workers.to_string(),
            number.to_string(),
        ]
    }

    /// Reads the arguments that follow the first, and returns the worker's number too.
    fn parse(arguments: &[String]) -> Option<(Self, usize)> {
        let [
            role,
            accounts,
            store,
            endpoint,
            concurrency,
            workers,
            number,
            ..,
        ] = arguments
        else {
            return None;
        };
        let accounts = accounts.parse().ok()?;
        let job = Self {
            role: match role.as_str() {
                "refresher" => Role::Refresher,
                "ideal" => Role::Ideal { accounts },
                "user" => Role::User { accounts },
                _ => return None,
            },
            store: store.clone(),
            endpoint: endpoint.clone(),
            concurrency: concurrency.parse().ok()?,
            workers: workers.parse().ok()?,
        };
        Some((job, number.parse().ok()?))
    }
}

/// Runs a worker process: it gets ready, starts at a line on its standard input, and stops at the
/// input's end.
pub(crate) async fn run(arguments: &[String]) {
    let (job, number) = Job::parse(arguments).expect("a worker's arguments");
    let crypto = rustls::crypto::ring::default_provider();
    crypto
        .install_default()
        .expect("no other provider is installed");
    let transport = HyperTransport::new().expect("a crypto provider is installed");
    let store = testbed::open(&job.store, RESPONSE_TIMEOUT).await;
    let accounts = fill::engine(store, &job.endpoint, number, transport);
    println!("ready");
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    let _ = orders.next_line().await;
    let mut work = JoinSet::new();
    let engine = accounts.clone();
    match job.role {
        Role::Refresher => {
            let refresher = engine.refresher().concurrency(job.concurrency);
            work.spawn(async move {
                let ended = refresher.run(std::future::pending()).await;
                ended.expect("the store lists accounts");
            });
        }
        Role::Ideal { accounts } => {
            work.spawn(refresh_share(engine, job, number, accounts));
        }
        Role::User { accounts } => {
            work.spawn(use_all(engine, accounts));
        }
    }
    // `None`: the input ended, and with it the measurement.
    let _ = orders.next_line().await;
    work.shutdown().await;
    // What stayed unwritten is of no use to anyone.
    let _ = accounts.shutdown(Duration::from_secs(5)).await;
}

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

async fn refresh_share(engine: Accounts, job: Job, number: usize, accounts: usize) {
    let next = Arc::new(AtomicUsize::new(number));
    let tasks = (0..job.concurrency).map(|_| {
        let (engine, next) = (engine.clone(), next.clone());
        tokio::spawn(async move {
            loop {
                let account = next.fetch_add(job.workers, Ordering::Relaxed);
                if account >= accounts {
                    break;
                }
                let account = engine.account(FIRST, &fill::subject(account));
                let account = account.expect("the subject is not empty");
                account.refresh().await.expect("the endpoint answers");
            }
        })
    });
    for task in join_all(tasks).await {
        task.expect("no refresh panics");
    }
}

async fn use_all(engine: Accounts, accounts: usize) {
    // Each account three times a minute, in a thousand batches a round.
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    let batch = accounts.div_ceil(1000);
    for start in (0..accounts).step_by(batch).cycle() {
        pace.tick().await;
        let used = (start..accounts.min(start + batch)).map(|account| {
            let account = engine.account(FIRST, &fill::subject(account));
            let account = account.expect("the subject is not empty");
            async move { account.token().await.expect("its token is valid") }
        });
        join_all(used).await;
    }
}

/// Running worker processes, which end when they are dropped.
pub(crate) struct Workers(Vec<Worker>);

struct Worker {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Workers {
    /// Starts the processes and waits until they are ready.
    pub(crate) async fn start(job: &Job) -> Self {
        let program = std::env::current_exe().expect("this process has a program");
        let mut workers = Vec::new();
        for number in 0..job.workers {
            let mut process = Command::new(&program)
                .args(job.arguments(number))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .expect("this program starts again");
            let input = process.stdin.take().expect("its input is a pipe");
            let output = process.stdout.take().expect("its output is a pipe");
            workers.push(Worker {
                process,
                input,
                output: BufReader::new(output).lines(),
            });
        }
        for worker in &mut workers {
            let line = worker.output.next_line().await;
            line.expect("its output is a pipe")
                .expect("it has not ended");
        }
        Self(workers)
    }

    /// Lets them start.
    pub(crate) async fn go(&mut self) {
        for worker in &mut self.0 {
            let started = worker.input.write_all(b"go\n").await;
            started.expect("it reads its input");
        }
    }

    /// Returns what the operating system has counted so far.
    pub(crate) fn usage(&self) -> Usage {
        let ids = self.0.iter().filter_map(|worker| worker.process.id());
        ids.fold(Usage::default(), |sum, id| {
            let usage = Usage::of(id);
            Usage {
                cpu: sum.cpu + usage.cpu,
                wake_ups: sum.wake_ups + usage.wake_ups,
            }
        })
    }

    /// Stops them, and waits until they have ended.
    pub(crate) async fn stop(self) {
        for mut worker in self.0 {
            drop(worker.input);
            let ended = tokio::time::timeout(Duration::from_secs(20), worker.process.wait());
            // Otherwise it is killed when it is dropped.
            let _ = ended.await;
        }
    }
}

/// Processor time and wake-ups of processes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    pub(crate) wake_ups: u64,
}

impl Usage {
    /// Returns the usage of a process's threads; zero where there is no `/proc`.
    fn of(process: u32) -> Self {
        let mut usage = Self::default();
        let threads = fs::read_dir(format!("/proc/{process}/task"));
        for thread in threads.into_iter().flatten().flatten() {
            let read = |file| fs::read_to_string(thread.path().join(file)).unwrap_or_default();
            let nanos = read("schedstat");
            let nanos = nanos.split(' ').next().and_then(|nanos| nanos.parse().ok());
            usage.cpu += Duration::from_nanos(nanos.unwrap_or_default());
            let status = read("status");
            let switches = status
                .lines()
                .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            let switches = switches.and_then(|switches| switches.trim().parse().ok());
            usage.wake_ups += switches.unwrap_or(0);
        }
        usage
    }

    pub(crate) fn since(self, start: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(start.cpu),
            wake_ups: self.wake_ups.saturating_sub(start.wake_ups),
        }
    }
}
