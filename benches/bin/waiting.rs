//! Lets tasks wait for one refresh in one of several forms, for `scripts/instructions` to count.
//!
//! The difference between two numbers of tasks is the cost of the tasks, without that of the start.
//! With the feature `allocations` it prints what a waiting task holds: allocations and bytes.

use std::time::Duration;

use tokenkeeper_benches::{
    Answer, AsyncMutex, Bare, Crowd, Endpoint, accounts, expired, send_with, waiting_request,
};
use tokenkeeper_tower::{TokenLayer, TokenPolicy, TokenService};
use tokio::runtime::Runtime;
use tower::{Layer as _, ServiceExt as _};

const USAGE: &str = "usage: waiting <form> <threads> <tasks>";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let form = arguments.next().expect(USAGE);
    let mut number = || arguments.next().and_then(|n| n.parse().ok()).expect(USAGE);
    let (threads, tasks): (usize, usize) = (number(), number());

    let runtime = runtime(threads);
    let endpoint = Endpoint::new(Answer::Tokens, Duration::ZERO).held();
    match &*form {
        // Both need an account, so that each form pays for the same start.
        "mutex" => {
            runtime.block_on(layered(&endpoint, false));
            let mutex = AsyncMutex::new(endpoint.clone(), Duration::ZERO);
            let send = move || {
                let mutex = mutex.clone();
                async move { send_with(async |request| mutex.attach(request).await).await }
            };
            run(&runtime, &endpoint, tasks, send);
        }
        "once" | "replay" => {
            let service = runtime.block_on(layered(&endpoint, form == "replay"));
            let send = move || {
                let service = service.clone();
                async move { service.oneshot(waiting_request()).await.is_ok() }
            };
            run(&runtime, &endpoint, tasks, send);
        }
        _ => panic!("unknown form `{form}`"),
    }
}

/// Builds a runtime with this number of worker threads; one is the main thread.
fn runtime(threads: usize) -> Runtime {
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.worker_threads(threads).enable_time().build();
    runtime.expect("a runtime without I/O opens no file")
}

/// Creates a service whose account has an expired token.
async fn layered(endpoint: &Endpoint, replay: bool) -> TokenService<Bare> {
    let account = expired(&accounts(endpoint.clone()), "user-1").await;
    TokenLayer::new(TokenPolicy::new(account).replay(replay)).layer(Bare)
}

/// Lets the tasks wait, and serves them.
fn run<S, F>(runtime: &Runtime, endpoint: &Endpoint, tasks: usize, send: S)
where
    S: Fn() -> F + Clone + Send + 'static,
    F: Future<Output = bool> + Send,
{
    let mut crowd = Crowd::new(tasks);
    held(tasks, || runtime.block_on(crowd.gather(send)));
    runtime.block_on(crowd.serve(endpoint));
}

/// Prints how much each task holds once all wait.
#[cfg(feature = "allocations")]
fn held(tasks: usize, gather: impl FnOnce()) {
    let held = allocation_counter::measure(gather);
    let each = |held: i64| held as f64 / tasks as f64;
    println!(
        "{:.0} {:.0}",
        each(held.count_current),
        each(held.bytes_current)
    );
}

#[cfg(not(feature = "allocations"))]
fn held(_: usize, gather: impl FnOnce()) {
    gather();
}
