//! Many tasks that meet an expired token at once, with tokenkeeper and with other libraries.
//!
//! The endpoint takes 50 ms. Each table has one scenario, the same for all rows.

use std::time::Duration;

use tokenkeeper_benches::{
    Answer, Bare, Endpoint, Scale, Storm, accounts, expired, millis, storm, waiting_request,
};
use tokenkeeper_peers::{AsyncMutex, Aws, Azure, Google, Moka, Peer};
use tokenkeeper_tower::{TokenLayer, TokenPolicy, TokenService};
use tower::{Layer as _, ServiceExt as _};

const LATENCY: Duration = Duration::from_millis(50);
const RUNS: usize = 3;

#[tokio::main]
async fn main() {
    let scale = Scale::from_args();
    for tasks in scale.pick([10, 100], [1_000, 10_000]) {
        Scenario::new(tasks, Answer::Tokens).compare().await;
    }
    let scenario = Scenario::new(scale.pick(10, 1_000), Answer::Tokens);
    scenario.first_aborted().compare().await;
    // More tasks would take minutes: some peers ask one after the other.
    Scenario::new(20, Answer::Unavailable).compare().await;
    // Not in the tables above: its background task asks over HTTP, and waits 10 s after a 503.
    println!("{HEADER}");
    for tasks in scale.pick([10, 100], [1_000, 10_000]) {
        let scenario = Scenario::new(tasks, Answer::Tokens);
        scenario.print("google-cloud-auth", &scenario.run::<Google>().await, " | ");
    }
}

const HEADER: &str = "| tasks | library | token requests | tasks with a token | the last after \
                      | of it after the last answer | over the fastest peer | verdict |\n\
                      |---|---|---|---|---|---|---|---|";

/// The same work for each library.
#[derive(Clone, Copy)]
struct Scenario {
    tasks: usize,
    answer: Answer,
    /// Whether another task asks first and is aborted.
    abort: bool,
}

impl Scenario {
    fn new(tasks: usize, answer: Answer) -> Self {
        let abort = false;
        Self {
            tasks,
            answer,
            abort,
        }
    }

    fn first_aborted(self) -> Self {
        Self {
            abort: true,
            ..self
        }
    }

    /// Prints a table with a row for each library.
    async fn compare(self) {
        let ours = self.run::<Ours>().await;
        let peers = [
            ("tokio's Mutex, held", self.run::<AsyncMutex>().await),
            ("moka `try_get_with`", self.run::<Moka>().await),
            ("aws-smithy", self.run::<Aws>().await),
            ("azure_core", self.run::<Azure>().await),
        ];
        println!("{HEADER}");
        self.print("tokenkeeper", &ours, &verdict(&ours, &peers));
        for (name, peer) in &peers {
            self.print(name, peer, " | ");
        }
        println!();
    }

    async fn run<P: Peer>(self) -> Storm {
        let run = async || {
            let endpoint = Endpoint::new(self.answer, LATENCY);
            let peer = P::expired(endpoint.clone()).await;
            let send = move || {
                let peer = peer.clone();
                async move { peer.send().await }
            };
            storm(self.tasks, &endpoint, self.abort, send).await
        };
        Storm::repeat(Scale::from_args().pick(1, RUNS), run).await
    }

    fn print(self, name: &str, storm: &Storm, verdict: &str) {
        let tasks = self.tasks;
        let detail = match (self.answer, self.abort) {
            (Answer::Tokens, false) => "",
            (Answer::Tokens, true) => ", the first aborted",
            (Answer::Unavailable, _) => ", on a 503",
        };
        let Storm {
            requests, served, ..
        } = storm;
        let (took, last) = (millis(storm.took), millis(storm.last));
        println!(
            "| {tasks}{detail} | {name} | {requests} | {served} | {took:.1} ms | {last:.1} ms \
             | {verdict} |"
        );
    }
}

/// Compares ours with the fastest peer that serves as many tasks with as few token requests.
fn verdict(ours: &Storm, peers: &[(&str, Storm)]) -> String {
    let same_work = |peer: &&Storm| peer.requests <= ours.requests && peer.served >= ours.served;
    let peers = peers.iter().map(|(_, peer)| peer);
    match peers.filter(same_work).map(|peer| peer.last).min() {
        None => "– | reached".to_owned(),
        Some(best) => {
            let over = millis(ours.last) / millis(best);
            let verdict = if over > 1.0 {
                "**not reached**"
            } else {
                "reached"
            };
            format!("{over:.2} | {verdict}")
        }
    }
}

/// The layer without replay, since no peer keeps a copy of the request.
#[derive(Clone)]
struct Ours(TokenService<Bare>);

impl Peer for Ours {
    async fn expired(endpoint: Endpoint) -> Self {
        let account = expired(&accounts(endpoint), "user-1").await;
        let policy = TokenPolicy::new(account).replay(false);
        Self(TokenLayer::new(policy).layer(Bare))
    }

    async fn send(&self) -> bool {
        let service = self.0.clone();
        service.oneshot(waiting_request()).await.is_ok()
    }
}
