use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode, Uri};
use http_body_util::BodyExt as _;
use tokio::{net::TcpListener, sync::Notify};

/// A server that accepts `secret-N` from some N on, in any place, and records every request.
///
/// | path | response |
/// |---|---|
/// | `/early` | rejects a token before it reads the body |
/// | `/mid` | rejects a token after the first frame |
/// | `/to?<url>` | redirects there |
/// | `/loop` | redirects to itself |
/// | `/limited` | 429 |
/// | `/broken` | 500 |
/// | any other | echoes the body |
#[derive(Clone)]
pub struct Api(Arc<Inner>);

pub struct Inner {
    pub base: String,
    from: AtomicU64,
    seen: Mutex<Vec<Seen>>,
    news: Notify,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: String,
    pub trailers: Option<HeaderMap>,
    /// Whether the body came to its proper end.
    pub whole: bool,
}

impl Api {
    /// Starts a server that takes any token.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = Self(Arc::new(Inner {
            base: format!("http://{}", listener.local_addr().unwrap()),
            from: AtomicU64::new(0),
            seen: Mutex::default(),
            news: Notify::new(),
        }));
        let router = Router::new().fallback(answer).with_state(api.clone());
        tokio::spawn(axum::serve(listener, router).into_future());
        api
    }

    /// From now on tokens before `secret-N` are rejected.
    pub fn takes_from(&self, generation: u64) {
        self.0.from.store(generation, SeqCst);
    }

    pub fn base(&self) -> &str {
        &self.0.base
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0.base)
    }

    /// The requests so far, in the order in which they were answered.
    pub fn seen(&self) -> Vec<Seen> {
        self.0.seen.lock().unwrap().clone()
    }

    /// Waits until `count` requests are recorded: a first attempt may still be failing when its
    /// replay has its response.
    pub async fn wait_for(&self, count: usize) -> Vec<Seen> {
        loop {
            let news = self.0.news.notified();
            let seen = self.seen();
            if seen.len() >= count {
                return seen;
            }
            news.await;
        }
    }
}

impl Seen {
    /// The token, wherever it is.
    pub fn token(&self) -> Option<&str> {
        let header = |name| self.headers.get(name).and_then(|v| v.to_str().ok());
        let bearer = header("authorization").and_then(|v| v.strip_prefix("Bearer "));
        let query = self.uri.query().unwrap_or_default().split('&');
        let query = query
            .filter_map(|pair| pair.strip_prefix("access_token="))
            .next();
        bearer.or(header("x-access-token")).or(query)
    }

    /// Whether any part of the request shows a token.
    pub fn leaks(&self) -> bool {
        format!(
            "{} {:?}",
            self.uri,
            self.headers
                .values()
                .map(|v| String::from_utf8_lossy(v.as_bytes()))
                .collect::<Vec<_>>()
        )
        .contains("secret-")
    }
}

async fn answer(State(api): State<Api>, request: Request) -> Response {
    let (head, mut body) = request.into_parts();
    let mut seen = Seen {
        method: head.method,
        uri: head.uri,
        headers: head.headers,
        body: String::new(),
        trailers: None,
        whole: false,
    };
    let generation = seen
        .token()
        .and_then(|t| t.strip_prefix("secret-")?.parse().ok())
        .unwrap_or(0);
    let good = generation >= api.0.from.load(SeqCst);
    let path = seen.uri.path().to_owned();
    if !good && matches!(&*path, "/early" | "/mid") {
        if path == "/mid" {
            seen.read_frame(&mut body).await;
        }
        // The rest is read behind the response, as a server does that wants to keep the connection.
        tokio::spawn(async move {
            seen.read(&mut body).await;
            api.note(seen);
        });
        return StatusCode::UNAUTHORIZED.into_response();
    }
    seen.read(&mut body).await;
    let target = seen
        .uri
        .query()
        .map(|q| q.split('&').next().unwrap_or_default().to_owned());
    let text = seen.body.clone();
    api.note(seen);
    if !good {
        return (StatusCode::UNAUTHORIZED, "no").into_response();
    }
    match &*path {
        "/to" => (
            StatusCode::TEMPORARY_REDIRECT,
            [("location", target.unwrap())],
        )
            .into_response(),
        "/loop" => (StatusCode::TEMPORARY_REDIRECT, [("location", "/loop")]).into_response(),
        "/limited" => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "47")]).into_response(),
        "/broken" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        _ => text.into_response(),
    }
}

impl Seen {
    async fn read(&mut self, body: &mut Body) {
        while self.read_frame(body).await {}
    }

    async fn read_frame(&mut self, body: &mut Body) -> bool {
        match body.frame().await {
            None => {
                self.whole = true;
                false
            }
            Some(Err(_)) => false,
            Some(Ok(frame)) => {
                match frame.into_data() {
                    Ok(data) => self.body.push_str(std::str::from_utf8(&data).unwrap()),
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                }
                true
            }
        }
    }
}

impl Api {
    fn note(&self, seen: Seen) {
        self.0.seen.lock().unwrap().push(seen);
        self.0.news.notify_waiters();
    }
}

impl Api {
    /// The base URL of a server that is not there any more.
    pub async fn gone() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }
}
