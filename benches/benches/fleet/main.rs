//! A fleet of accounts and its workers: what refreshes cost, and when they are late.
//!
//! ```text
//! cargo bench --bench fleet -- [--quick] [--backlog N] [--accounts N] [PART ...]
//! ```
//!
//! The parts are those of `PARTS`; all by default. The workers are processes on real stores,
//! against an endpoint on loopback that counts. `scripts/bench-fleet` writes the results to
//! `docs/fleet.md`.

mod burst;
mod fill;
mod finding;
mod outage;
mod parts;
mod provider;
mod report;
mod rest;
mod testbed;
mod watch;
mod worker;

use std::{env, path::PathBuf};

use tokenkeeper_benches::Scale;

use self::{parts::PARTS, provider::Provider, report::Report};

#[tokio::main(worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|it| it == worker::ARGUMENT) {
        return worker::run(&arguments[1..]).await;
    }
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        let value = arguments.get(place + 1);
        Some(value.unwrap_or_else(|| panic!("{name} takes a value")))
    };
    let number = |name: &str| value(name).map(|text| text.parse().expect("a number"));
    let folder = |name: &str| value(name).map(PathBuf::from);
    let sizes = parts::Sizes::new(
        Scale::from_args(),
        number("--backlog"),
        number("--accounts"),
    );
    let mut report = Report {
        tables: folder("--tables"),
        plots: folder("--plots"),
        findings: Vec::new(),
    };
    let provider = Provider::start();
    let named = |name: &str| arguments.iter().any(|argument| argument == name);
    let all = !PARTS.iter().any(|name| named(name));
    for name in PARTS {
        if all || named(name) {
            parts::measure(name, &sizes, &provider, &mut report).await;
        }
    }
    report.finish();
}
