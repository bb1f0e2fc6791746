//! Many tasks meet an expired token at once, at ours and at other libraries. The endpoint takes 50 ms.

use std::time::Duration;

use tokenkeeper_benches::{
    Answer, Bare, Endpoint, Engine, Storm, accounts, expired, millis, request, storm,
};
use tokenkeeper_peers::{AsyncMutex, Aws, Azure, Google, Moka, Peer};
use tokenkeeper_tower::{TokenLayer, TokenService};
use tower::{Layer as _, ServiceExt as _};

const TAKES: Duration = Duration::from_millis(50);
const RUNS: usize = 3;

#[tokio::main]
async fn main() {
    println!(
        "| who | tasks | answer | token requests | tasks with a token | the last after | of it after the last answer |\n|---|---|---|---|---|---|---|"
    );
    all::<Ours>("tokenkeeper").await;
    all::<AsyncMutex>("tokio's Mutex, held").await;
    all::<Moka>("moka `try_get_with`").await;
    all::<Aws>("aws-smithy").await;
    all::<Azure>("azure_core").await;
    // Its own task asks, and not a caller; and that of one refusal waits for ten seconds.
    tokens_for::<Google>("google-cloud-auth").await;
}

async fn all<P: Peer>(name: &str) {
    tokens_for::<P>(name).await;
    row::<P>(name, 1_000, Answer::Tokens, true).await;
    // More would take minutes: some ask one after the other.
    row::<P>(name, 20, Answer::Unavailable, false).await;
}

async fn tokens_for<P: Peer>(name: &str) {
    for tasks in [1_000, 10_000] {
        row::<P>(name, tasks, Answer::Tokens, false).await;
    }
}

async fn row<P: Peer>(name: &str, tasks: usize, answer: Answer, abort: bool) {
    let storm = Storm::of(RUNS, async || run::<P>(tasks, answer, abort).await).await;
    let Storm {
        requests,
        served,
        took,
        last,
    } = storm;
    let first = if abort { ", the first aborted" } else { "" };
    let answer = match answer {
        Answer::Tokens => "tokens",
        Answer::Unavailable => "503",
    };
    let (took, last) = (millis(took), millis(last));
    println!(
        "| {name} | {tasks}{first} | {answer} | {requests} | {served} | {took:.1} ms | {last:.1} ms |"
    );
}

async fn run<P: Peer>(tasks: usize, answer: Answer, abort: bool) -> Storm {
    let endpoint = Endpoint::new(answer, TAKES);
    let peer = P::expired(endpoint.clone()).await;
    let ask = move || {
        let peer = peer.clone();
        async move { peer.ask().await }
    };
    storm(tasks, &endpoint, abort, ask).await
}

/// The layer, with its defaults.
#[derive(Clone)]
struct Ours(TokenService<Bare>);

impl Peer for Ours {
    async fn expired(endpoint: Endpoint) -> Self {
        let account = expired(&accounts(endpoint), "user-1").await;
        Self(TokenLayer::new(account).layer(Bare))
    }

    async fn ask(&self) -> bool {
        let service = self.0.clone();
        service.oneshot(request(&Engine::api(), 0)).await.is_ok()
    }
}
