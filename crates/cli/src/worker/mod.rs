//! `tokenkeeper worker`: keeps all accounts of the store fresh.

mod health;
mod http;
mod logs;

use std::{
    net::SocketAddr,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::json;
use tokenkeeper::Accounts;
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use self::http::Source;
use crate::{
    BoxError,
    app::{App, Which},
    causes,
    exit::{Exited, misconfigured},
    global::Global,
    output,
    signal::Signals,
};

/// Refreshes every account of the store ahead of its expiry, until Ctrl-C or SIGTERM
///
/// Any number of workers may run: they share the work. `/health` answers 200 or 503, with the store
/// and the backlog of each provider; `/metrics` has the metrics for Prometheus. At a signal, token
/// requests in flight are answered and written, and the exit status is 1 if one was not. Logs go to
/// stderr, with --json as lines of JSON.
///
/// Example: tokenkeeper worker --listen 127.0.0.1:9464
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The address of /health and /metrics; port 0 means any free port.
    #[arg(long, default_value = "127.0.0.1:9464", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// How many accounts of one provider are refreshed concurrently.
    #[arg(long, default_value_t = 8, value_name = "N")]
    concurrency: usize,
    /// How long a signal waits for token requests in flight: less than your supervisor waits.
    #[arg(
        long,
        default_value = "25s",
        value_parser = humantime::parse_duration,
        value_name = "TIME"
    )]
    drain_timeout: Duration,
    /// How often the accounts of the whole store are counted for the metrics; 0s means never. One
    /// worker of a fleet suffices.
    #[arg(
        long,
        default_value = "5m",
        value_parser = humantime::parse_duration,
        value_name = "TIME"
    )]
    overview_interval: Duration,
    /// Log more: once for `debug`, twice for `trace`. RUST_LOG comes first.
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    let mut signals = Signals::listen()?;
    logs::start(arguments.verbose, global.json)?;
    // Before the engine, which tells it what the metrics mean.
    let metrics = PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .install_recorder()?;
    let app = App::open_unless(&mut signals, global, Which::All).await?;
    let listener = TcpListener::bind(arguments.listen)
        .await
        .map_err(|error| cannot_listen(arguments.listen, &error))?;
    announce(listener.local_addr()?, global.json)?;

    let source = Arc::new(Source {
        accounts: app.accounts.clone(),
        store: app.store,
        metrics: metrics.clone(),
        is_draining: AtomicBool::new(false),
    });
    // They end with the set.
    let mut tasks = JoinSet::new();
    tasks.spawn(http::serve(listener, Arc::clone(&source)));
    tasks.spawn(maintain(metrics));
    if !arguments.overview_interval.is_zero() {
        tasks.spawn(count(app.accounts.clone(), arguments.overview_interval));
    }

    let refresher = app.accounts.refresher().concurrency(arguments.concurrency);
    let stop = async {
        signals.received().await;
    };
    let ended = refresher.run(stop).await;
    source.is_draining.store(true, Ordering::Relaxed);
    tracing::info!("draining: token requests in flight are answered and written");
    app.accounts.shutdown(arguments.drain_timeout).await?;
    ended?;
    Ok(ExitCode::SUCCESS)
}

/// The buckets of all histograms, which measure seconds.
const SECONDS: [f64; 12] = [
    0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Prints where the worker listens: the port may be any.
fn announce(address: SocketAddr, as_json: bool) -> Result<(), BoxError> {
    let url = format!("http://{address}");
    if as_json {
        return output::json(
            &json!({ "health": url.clone() + "/health", "metrics": url + "/metrics" }),
        );
    }
    output::line(&format!("health   {url}/health"))?;
    output::line(&format!("metrics  {url}/metrics"))?;
    Ok(())
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Exited {
    misconfigured(format!(
        "cannot listen at {address}: {error}; choose another address with --listen"
    ))
}

/// Keeps histograms small while no scraper reads them.
async fn maintain(metrics: PrometheusHandle) -> std::io::Result<()> {
    let mut ticks = interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}

/// Counts the accounts of the store again and again, which sets their gauges.
async fn count(accounts: Accounts, every: Duration) -> std::io::Result<()> {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = accounts.overview().await {
            let error = causes(&error);
            tracing::warn!(error, "the accounts of the store cannot be counted");
        }
    }
}
