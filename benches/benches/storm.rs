//! Many tasks meet an expired token at once; an endpoint takes 50 ms. Counted: requests to it. Timed: from its answer to the last task.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use tokenkeeper_benches::{
    Answer, Bare, Endpoint, Engine, Line, Storm, accounts, expired, millis, plot, request, storm,
    tokens,
};
use tokenkeeper_engine::TokenSource;
use tokenkeeper_tower::{Replay, TokenLayer};
use tower::{Layer as _, ServiceExt as _, service_fn};

const TAKES: Duration = Duration::from_millis(50);

const RUNS: usize = 5;

#[tokio::main]
async fn main() {
    println!(
        "| tasks | answer | token requests | tasks with a token | the last after the answer |\n|---|---|---|---|---|"
    );
    let print = |tasks: &str, answer: &str, storm: &Storm| {
        println!(
            "| {tasks} | {answer} | {} | {} | {:.2} ms |",
            storm.requests,
            storm.served,
            millis(storm.last),
        );
    };
    let mut points = Vec::new();
    for tasks in [1, 10, 100, 1_000, 10_000] {
        let storm = Storm::of(RUNS, async || ask(tasks, Answer::Tokens, false).await).await;
        print(&tasks.to_string(), "tokens", &storm);
        points.push((tasks as f64, millis(storm.last).max(0.001)));
    }
    let most = 10_000;
    let storm = Storm::of(RUNS, async || ask(most, Answer::Tokens, true).await).await;
    print("10000, the first aborted", "tokens", &storm);
    let storm = Storm::of(RUNS, async || ask(most, Answer::Unavailable, false).await).await;
    print("10000", "503", &storm);
    let storm = Storm::of(RUNS, async || send(most).await).await;
    print("10000, each with a request", "tokens", &storm);

    let (refreshes, good) = late_rejections().await;
    println!(
        "\n| late rejections | token requests | answered well |\n|---|---|---|\n| 100, 10 ms apart | {refreshes} | {good} |"
    );

    if let Some(file) = std::env::var_os("PLOT") {
        let line = Line {
            name: "tokenkeeper".to_owned(),
            points,
        };
        let svg = plot(
            "Tasks that wait for one refresh",
            "tasks",
            "ms from the endpoint's answer to the last task",
            &[line],
        );
        std::fs::write(file, svg).expect("the plot can be written");
    }
}

/// Each task asks for the token.
async fn ask(tasks: usize, answer: Answer, abort: bool) -> Storm {
    let endpoint = Endpoint::new(answer, TAKES);
    let account = expired(&accounts(endpoint.clone()), "user-1").await;
    let ask = move || {
        let account = account.clone();
        async move { TokenSource::credential(&account, true).await.is_ok() }
    };
    storm(tasks, &endpoint, abort, ask).await
}

/// Each task sends a request through the layer.
async fn send(tasks: usize) -> Storm {
    let endpoint = Endpoint::new(Answer::Tokens, TAKES);
    let account = expired(&accounts(endpoint.clone()), "user-1").await;
    let service = TokenLayer::new(account).layer(Bare);
    let send = move || {
        let sent = service.clone().oneshot(request(&Engine::api(), 0));
        async move { sent.await.is_ok() }
    };
    storm(tasks, &endpoint, false, send).await
}

/// A hundred requests leave with one token; their 401s come 10 ms apart.
async fn late_rejections() -> (usize, usize) {
    let endpoint = Endpoint::new(Answer::Tokens, TAKES);
    let accounts = accounts(endpoint.clone());
    let account = accounts
        .account("amiqus", "user-1")
        .expect("the subject is not empty");
    account
        .adopt(tokens(Duration::from_secs(3600)))
        .await
        .expect("memory takes every write");
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
