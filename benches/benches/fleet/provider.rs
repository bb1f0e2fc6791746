//! A token endpoint that counts refreshes and refresh tokens that are presented again.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::USER_AGENT};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, runtime, time::Instant};

/// The lifetime of the tokens, in seconds: none that a run has refreshed is due again in it.
const LIFETIME: u64 = 30 * 24 * 60 * 60;

/// A token endpoint on its own thread, which runs until the process ends.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    ledger: Arc<Mutex<Ledger>>,
}

/// What the endpoint has seen.
#[derive(Default)]
struct Ledger {
    /// By account: the generation of the only refresh token that has not been presented.
    generations: Vec<u32>,
    latency: Duration,
    /// Presentations of a refresh token that had been presented before.
    repeated: usize,
    refreshes: Vec<Refresh>,
}

/// A refresh.
#[derive(Clone, Copy)]
pub(crate) struct Refresh {
    pub(crate) account: usize,
    /// The number of the worker process.
    pub(crate) worker: usize,
    /// When the request arrived.
    pub(crate) at: Instant,
}

impl Provider {
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("the listener is bound");
        let ledger = Arc::default();
        let provider = Self { address, ledger };
        let served = provider.clone();
        std::thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime starts");
            runtime.block_on(async move {
                listener.set_nonblocking(true).expect("the socket is open");
                let listener = TcpListener::from_std(listener);
                served
                    .serve(listener.expect("the runtime has a driver"))
                    .await;
            });
        });
        provider
    }

    /// Forgets everything, and serves this number of accounts from now on.
    pub(crate) fn reset(&self, accounts: usize, latency: Duration) {
        *self.lock() = Ledger {
            generations: vec![0; accounts],
            latency,
            ..Ledger::default()
        };
    }

    /// Returns the number of refreshes.
    pub(crate) fn count(&self) -> usize {
        self.lock().refreshes.len()
    }

    /// Returns the refreshes, in the order in which they arrived.
    pub(crate) fn refreshes(&self) -> Vec<Refresh> {
        self.lock().refreshes.clone()
    }

    pub(crate) fn repeated(&self) -> usize {
        self.lock().repeated
    }

    async fn serve(self, listener: TcpListener) {
        loop {
            let (stream, _) = listener.accept().await.expect("the listener stays open");
            stream.set_nodelay(true).expect("the socket is open");
            let provider = self.clone();
            let answer = service_fn(move |request| provider.clone().answer(request));
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), answer));
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let at = Instant::now();
        let worker = request.headers().get(USER_AGENT);
        let worker = worker.and_then(|agent| number(agent.to_str().ok()?, "worker-"));
        let body = request.into_body().collect().await;
        let body = body.map(http_body_util::Collected::to_bytes).ok();
        let presented = body.as_deref().and_then(presented);
        let (Some(worker), Some((account, generation))) = (worker, presented) else {
            return Ok(refusal("invalid_request"));
        };
        let (tokens, latency) = {
            let mut ledger = self.lock();
            let latency = ledger.latency;
            (ledger.redeem(account, generation, worker, at), latency)
        };
        tokio::time::sleep_until(at + latency).await;
        Ok(match tokens {
            Some(tokens) => json(StatusCode::OK, tokens.to_string()),
            None => refusal("invalid_grant"),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("nothing panics under the lock")
    }
}

impl Ledger {
    /// Returns new tokens, unless the refresh token has been presented before.
    fn redeem(
        &mut self,
        account: usize,
        generation: u32,
        worker: usize,
        at: Instant,
    ) -> Option<serde_json::Value> {
        let current = self.generations.get_mut(account)?;
        if *current != generation {
            self.repeated += 1;
            return None;
        }
        *current += 1;
        let refresh_token = refresh_token(account, *current);
        self.refreshes.push(Refresh {
            account,
            worker,
            at,
        });
        Some(serde_json::json!({
            "access_token": tokenkeeper_benches::token(),
            "refresh_token": refresh_token,
            "token_type": "Bearer",
            "expires_in": LIFETIME,
        }))
    }
}

/// Returns the refresh token of an account: 118 bytes, as many as those of a large provider.
pub(crate) fn refresh_token(account: usize, generation: u32) -> String {
    format!("{:r<118}", format!("account-{account}.{generation}."))
}

/// Returns the account and the generation of the presented refresh token.
fn presented(body: &[u8]) -> Option<(usize, u32)> {
    let (_, token) = form_urlencoded::parse(body).find(|(name, _)| name == "refresh_token")?;
    let mut parts = token.strip_prefix("account-")?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Returns the number that follows `name`.
fn number(text: &str, name: &str) -> Option<usize> {
    let (_, rest) = text.split_once(name)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit());
    rest[..digits.unwrap_or(rest.len())].parse().ok()
}

fn refusal(error: &str) -> Response<Full<Bytes>> {
    json(
        StatusCode::BAD_REQUEST,
        serde_json::json!({ "error": error }).to_string(),
    )
}

fn json(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    let response = response.body(Full::from(body));
    response.expect("the parts are valid")
}
