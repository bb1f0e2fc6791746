//! Many tasks that meet an expired token at once.
//!
//! The endpoint takes 50 ms. Counted: requests to it. Timed: from its answer to the last task.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use tokenkeeper_benches::{
    Answer, AsyncMutex, Bare, Endpoint, Engine, Scale, Storm, accounts, connect, expired, millis,
    request, send_with, storm, tokens, waiting_request, write_plot,
};
use tokenkeeper_engine::TokenSource;
use tokenkeeper_tower::{Replay, TokenLayer};
use tower::{Layer as _, ServiceExt as _, service_fn};

const LATENCY: Duration = Duration::from_millis(50);

const RUNS: usize = 5;

const COLUMNS: &str = "| tasks | answer | token requests | tasks with a token \
                       | the last after the answer |\n|---|---|---|---|---|";

#[tokio::main]
async fn main() {
    let scale = Scale::from_args();
    let runs = scale.pick(1, RUNS);
    let sizes = [1, 10, 100, 1_000, 10_000];
    let sizes = scale.pick(&sizes[..3], &sizes);
    let most = sizes[sizes.len() - 1];
    let print = |tasks: &str, answer: &str, storm: &Storm| {
        println!(
            "| {tasks} | {answer} | {} | {} | {:.2} ms |",
            storm.requests,
            storm.served,
            millis(storm.last),
        );
    };
    println!("{COLUMNS}");
    let mut points = Vec::new();
    for &tasks in sizes {
        let storm = Storm::repeat(runs, async || ask(tasks, Answer::Tokens, false).await).await;
        print(&tasks.to_string(), "tokens", &storm);
        points.push((tasks as f64, millis(storm.last).max(0.001)));
    }
    let storm = Storm::repeat(runs, async || ask(most, Answer::Tokens, true).await).await;
    print(&format!("{most}, the first aborted"), "tokens", &storm);
    let storm = Storm::repeat(runs, async || ask(most, Answer::Unavailable, false).await).await;
    print(&most.to_string(), "503", &storm);

    println!("\n{COLUMNS}");
    let storm = Storm::repeat(runs, async || send(most).await).await;
    print(&format!("{most}, each with a request"), "tokens", &storm);
    let storm = Storm::repeat(runs, async || lock(most).await).await;
    print(&format!("{most}, a mutex that is held"), "tokens", &storm);

    let (refreshes, good) = late_rejections().await;
    println!(
        "\n| late rejections | token requests | answered well |\n|---|---|---|\n\
         | 100, 10 ms apart | {refreshes} | {good} |"
    );
    write_plot("Tasks that wait for one refresh", "tasks", points);
}

/// Lets each task ask for the token.
async fn ask(tasks: usize, answer: Answer, abort: bool) -> Storm {
    let endpoint = Endpoint::new(answer, LATENCY);
    let account = expired(&accounts(endpoint.clone()), "user-1").await;
    let ask = move || {
        let account = account.clone();
        async move { TokenSource::credential(&account, true).await.is_ok() }
    };
    storm(tasks, &endpoint, abort, ask).await
}

/// Lets each task send a request through the layer.
async fn send(tasks: usize) -> Storm {
    let endpoint = Endpoint::new(Answer::Tokens, LATENCY);
    let account = expired(&accounts(endpoint.clone()), "user-1").await;
    let service = TokenLayer::new(account).layer(Bare);
    let send = move || {
        let service = service.clone();
        async move { service.oneshot(waiting_request()).await.is_ok() }
    };
    storm(tasks, &endpoint, false, send).await
}

/// Lets each task send a request with a token under a mutex, which is held during the refresh.
async fn lock(tasks: usize) -> Storm {
    let endpoint = Endpoint::new(Answer::Tokens, LATENCY);
    let mutex = AsyncMutex::new(endpoint.clone(), Duration::ZERO);
    let send = move || {
        let mutex = mutex.clone();
        async move { send_with(async |request| mutex.attach(request).await).await }
    };
    storm(tasks, &endpoint, false, send).await
}

/// Sends a hundred requests with one token, whose 401s come 10 ms apart.
///
/// Returns the number of token requests and of good answers.
async fn late_rejections() -> (usize, usize) {
    let endpoint = Endpoint::new(Answer::Tokens, LATENCY);
    let accounts = accounts(endpoint.clone());
    let account = connect(&accounts, "user-1", tokens(Duration::from_secs(3600))).await;
    let api = |request: Request<Replay<Empty<Bytes>>>| async move {
        let old = request.headers()["authorization"].len() > 100;
        if old {
            let place: u64 = request.headers()["x-place"]
                .to_str()
                .expect("a number")
                .parse()
                .expect("a number");
            tokio::time::sleep(Duration::from_millis(10 * place)).await;
        }
        let mut response = Response::new(());
        if old {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        Ok::<_, std::convert::Infallible>(response)
    };
    let service = TokenLayer::new(account).layer(service_fn(api));
    let answers = join_all((0..100).map(|place| {
        let mut request = request(&Engine::api(), 4);
        request.headers_mut().insert("x-place", place.into());
        service.clone().oneshot(request)
    }))
    .await;
    let good = answers
        .iter()
        .flatten()
        .filter(|response| response.status() == StatusCode::OK)
        .count();
    (endpoint.requests(), good)
}
