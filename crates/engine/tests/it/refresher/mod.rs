//! The refresher: what it keeps fresh and alive, how it shares the work, and what it leaves alone.

mod failures;
mod fleet;
mod keeping;
mod simulation;

use std::time::Duration;

use tokenkeeper_engine::Refresher;

const MINUTE: Duration = Duration::from_secs(60);

/// Lets a refresher work for so long.
async fn run(refresher: Refresher, time: Duration) {
    refresher.run(tokio::time::sleep(time)).await.unwrap();
}
