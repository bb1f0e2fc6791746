//! The refresher: what it keeps fresh and alive, how it shares work, and what it leaves alone.

mod backlog;
mod failures;
mod fleet;
mod keeping;
mod parts;
mod sharing;
mod simulation;
mod tenants;

use std::time::Duration;

use tokenkeeper_engine::Refresher;

/// Runs a refresher for this time.
async fn run(refresher: Refresher, time: Duration) {
    refresher.run(tokio::time::sleep(time)).await.unwrap();
}
