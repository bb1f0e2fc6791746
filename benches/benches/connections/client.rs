//! An engine that refreshes at a constant rate.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use tokenkeeper_engine::{
    Account, Accounts, Transport,
    protocol::{Dialect, TokenSet},
};
use tokenkeeper_reqwest::ReqwestTransport;
use tokenkeeper_store_memory::MemoryStore;
use tokenkeeper_tower::HyperTransport;

use crate::{
    BoxError,
    process::{MachineTime, cpu_time, time_wait},
};

/// The number of accounts. Each is refreshed in turn.
const ACCOUNTS: usize = 10_000;

/// No further refresh starts while this many run.
const MAX_RUNNING: usize = 4_000;

/// The length of a line of the report.
const WINDOW: Duration = Duration::from_secs(10);

/// What happened since the last line.
#[derive(Default)]
struct Window {
    times: Mutex<Vec<Duration>>,
    failed: AtomicUsize,
    running: AtomicUsize,
}

/// Refreshes accounts in turn, `rate` a second, and prints a line every ten seconds.
pub async fn refresh(
    address: SocketAddr,
    transport: &str,
    rate: usize,
    seconds: u64,
) -> Result<(), BoxError> {
    let transport: Arc<dyn Transport> = match transport {
        "hyper" => Arc::new(HyperTransport::new()?),
        "reqwest" => Arc::new(ReqwestTransport::new()?),
        other => return Err(format!("no transport {other}").into()),
    };
    let accounts = connect(address, transport).await?;
    let window = Arc::new(Window::default());
    let start = Instant::now();
    let mut next_line = WINDOW;
    let (mut started, mut cpu, mut machine) = (0, cpu_time(), MachineTime::now());
    println!(
        "second  refreshes  failed  running  p50 ms  p99 ms  CPU us each  TIME_WAIT  machine busy %"
    );
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    loop {
        tick.tick().await;
        let elapsed = start.elapsed();
        let due = (elapsed.as_secs_f64() * rate as f64) as usize;
        while started < due {
            started += 1;
            if window.running.load(Ordering::Relaxed) < MAX_RUNNING {
                let account = accounts[started % ACCOUNTS].clone();
                tokio::spawn(measure(account, window.clone()));
            }
        }
        if elapsed >= next_line {
            let (used, now) = (cpu_time(), MachineTime::now());
            let busy = now.busy_since(machine);
            println!("{}", window.line(next_line, used.saturating_sub(cpu), busy));
            (cpu, machine) = (used, now);
            next_line += WINDOW;
        }
        if elapsed.as_secs() >= seconds {
            return Ok(());
        }
    }
}

async fn connect(
    address: SocketAddr,
    transport: Arc<dyn Transport>,
) -> Result<Vec<Account>, BoxError> {
    let dialect = Dialect::rfc6749("bench", &format!("https://{address}"))?;
    let provider = dialect.with(tokenkeeper_benches::registration())?;
    let engine = Accounts::builder(MemoryStore::new())
        .provider(provider)
        .transport(transport)
        .build()?;
    let mut accounts = Vec::with_capacity(ACCOUNTS);
    for number in 0..ACCOUNTS {
        let account = engine.account("bench", &number.to_string())?;
        let tokens = TokenSet::new("first")
            .with_refresh_token(format!("r-{number}-0"))
            .with_expires_at(SystemTime::now() + Duration::from_secs(3600));
        account.adopt(tokens).await?;
        accounts.push(account);
    }
    Ok(accounts)
}

async fn measure(account: Account, window: Arc<Window>) {
    window.running.fetch_add(1, Ordering::Relaxed);
    let start = Instant::now();
    match account.refresh().await {
        Ok(_) => window.lock().push(start.elapsed()),
        Err(_) => {
            window.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
    window.running.fetch_sub(1, Ordering::Relaxed);
}

impl Window {
    fn line(&self, end: Duration, cpu: Duration, busy: u64) -> String {
        let mut times = std::mem::take(&mut *self.lock());
        times.sort_unstable();
        let at = |share: usize| {
            let index = (times.len() * share / 100).min(times.len().saturating_sub(1));
            times.get(index).map_or(0.0, Duration::as_secs_f64) * 1_000.0
        };
        let mut line = String::new();
        let each = cpu.as_micros() / times.len().max(1) as u128;
        write!(
            line,
            "{:6}  {:9}  {:6}  {:7}  {:6.1}  {:6.1}  {each:11}  {:9}  {busy:14}",
            end.as_secs(),
            times.len(),
            self.failed.swap(0, Ordering::Relaxed),
            self.running.load(Ordering::Relaxed),
            at(50),
            at(99),
            time_wait(),
        )
        .expect("a string takes all");
        line
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Duration>> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
