//! Many tasks that ask for a token at once.

use std::time::{Duration, Instant};

use crate::Endpoint;

/// The outcome of a storm: many tasks that ask for a token at once.
#[derive(Clone, Debug)]
pub struct Storm {
    /// The number of requests to the endpoint.
    pub requests: usize,
    /// The number of tasks that got a token.
    pub served: usize,
    /// The time from the start to the last task that has a token or an error.
    pub took: Duration,
    /// The part of `took` after the endpoint's last answer.
    pub last: Duration,
}

impl Storm {
    /// Returns the worst counts of all runs and the times of the median run.
    ///
    /// # Panics
    /// If `runs` is zero.
    pub async fn repeat(runs: usize, run: impl AsyncFn() -> Self) -> Self {
        let mut seen = Vec::new();
        for _ in 0..runs {
            seen.push(run().await);
        }
        seen.sort_by_key(|run| run.last);
        let Self { took, last, .. } = seen[runs / 2];
        let counts = |count: fn(&Self) -> usize| seen.iter().map(count);
        Self {
            requests: counts(|run| run.requests).max().unwrap_or_default(),
            served: counts(|run| run.served).min().unwrap_or_default(),
            took,
            last,
        }
    }
}

/// Lets tasks ask for a token at once.
///
/// With `abort`, another task asks first and is aborted while the endpoint works on its request.
///
/// # Panics
/// If a task panics, or if no task asks the endpoint.
pub async fn storm<A, F>(tasks: usize, endpoint: &Endpoint, abort: bool, ask: A) -> Storm
where
    A: Fn() -> F + Clone + Send + 'static,
    F: Future<Output = bool> + Send,
{
    if abort {
        let ask = ask.clone();
        let first = tokio::spawn(async move { ask().await });
        while endpoint.requests() == 0 {
            tokio::task::yield_now().await;
        }
        first.abort();
    }
    let start = Instant::now();
    let waiting: Vec<_> = (0..tasks)
        .map(|_| {
            let ask = ask.clone();
            // Made here: a future that is captured is kept twice.
            tokio::spawn(async move { (ask().await, Instant::now()) })
        })
        .collect();
    let (mut served, mut last) = (0, start);
    for task in waiting {
        let (has_token, end) = task.await.expect("no task panics");
        served += usize::from(has_token);
        last = last.max(end);
    }
    let answered = endpoint.answered().expect("it was asked");
    Storm {
        requests: endpoint.requests(),
        served,
        took: last - start,
        last: last.saturating_duration_since(answered),
    }
}
