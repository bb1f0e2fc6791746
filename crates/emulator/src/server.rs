//! The processing of a request, on a socket and in process: count, apply faults, handle, answer.

use std::io;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HOST};
use http::uri::Authority;
use http::{HeaderValue, Request, Response, StatusCode, request};
use http_body_util::{BodyExt as _, Limited};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower_service::Service as _;

use crate::answer::{self, Gzip, Verdict, gzip};
use crate::counters::{Log, Outcome, Ticket};
use crate::faults::{Cut, Endpoint, Fault, Faults, Plan, cut_midway, damage, instead};
use crate::page;
use crate::provider::Provider;
use crate::world::World;

/// The limit for the body of a request, in bytes.
const REQUEST_LIMIT: usize = 2 * 1024 * 1024;

/// The server that a request reaches, which handlers find in the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    Main,
    /// The API's own server.
    Api,
}

/// The parts of a running emulator.
pub(crate) struct Server {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) world: Arc<World>,
    pub(crate) router: Router,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    pub(crate) recording: Option<std::sync::Mutex<Vec<Request<Bytes>>>>,
}

/// Serves connections until the future is dropped, which also ends the connections.
pub(crate) async fn accept(server: Arc<Server>, listener: TcpListener, host: Host) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // For example, no file handle is left: a later attempt may succeed.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
        };
        // Otherwise small responses wait for an acknowledgement. A failure to set it is harmless.
        let _ = stream.set_nodelay(true);
        let server = Arc::clone(&server);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let server = Arc::clone(&server);
                async move { server.handle(request, host).await.map_err(io::Error::other) }
            });
            // An error means that the client went away, or that a fault cut the connection.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

impl Server {
    /// Returns the server that a request in process is for.
    pub(crate) fn host<B>(&self, request: &Request<B>) -> Host {
        let api = self.world.api_base.as_deref().and_then(authority);
        let in_header = || request.headers().get(HOST)?.to_str().ok();
        let asked = request.uri().authority().map(Authority::as_str);
        match (api, asked.or_else(in_header)) {
            (Some(api), Some(asked)) if asked.eq_ignore_ascii_case(api) => Host::Api,
            _ => Host::Main,
        }
    }

    /// Answers one request, or reports that a fault cuts the connection.
    pub(crate) async fn handle<B>(
        self: Arc<Self>,
        request: Request<B>,
        host: Host,
    ) -> Result<Response<Body>, Cut>
    where
        B: http_body::Body + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (mut head, body) = request.into_parts();
        head.extensions.insert(host);
        let endpoint = self.provider.endpoint(head.uri.path());
        let endpoint = endpoint.filter(|of| host == Host::Main || *of == Endpoint::Api);
        let plan = endpoint
            .map(|endpoint| self.faults.plan(endpoint))
            .unwrap_or_default();
        let read_body = !matches!(plan.fault(), Some(Fault::CutBeforeBody));
        let body = if read_body {
            match Limited::new(body, REQUEST_LIMIT).collect().await {
                Ok(body) => body.to_bytes(),
                Err(_) => return Ok(answer::empty(StatusCode::PAYLOAD_TOO_LARGE)),
            }
        } else {
            Bytes::new()
        };
        self.record(&head, &body);
        let ticket = self.arrive(endpoint, &head, &body);
        if host == Host::Api && endpoint.is_none() {
            return Ok(answer::empty(StatusCode::NOT_FOUND));
        }
        let _guard = AbandonGuard {
            server: &self,
            ticket,
        };
        // A separate task, because a provider does not stop a redemption when the client goes away.
        let task = tokio::spawn(Arc::clone(&self).process(endpoint, plan, ticket, head, body));
        task.await.unwrap_or(Err(Cut))
    }

    async fn process(
        self: Arc<Self>,
        endpoint: Option<Endpoint>,
        plan: Plan,
        ticket: Option<Ticket>,
        head: request::Parts,
        body: Bytes,
    ) -> Result<Response<Body>, Cut> {
        plan.before().await;
        let fault = plan.fault();
        let unprocessed = match fault {
            Some(Fault::CutBeforeBody | Fault::CutAfterBody) => Some(Err(Cut)),
            Some(fault) => instead(fault, &self.world.base, self.epoch()).map(Ok),
            None => None,
        };
        let (answer, outcome) = match (unprocessed, fault) {
            (Some(answer), Some(fault)) => (
                answer,
                Outcome::Faulted {
                    fault: fault.name(),
                },
            ),
            _ => {
                self.answer(Request::from_parts(head, Body::from(body)), fault)
                    .await
            }
        };
        plan.after().await;
        let status = answer
            .as_ref()
            .map_or(0, |response| response.status().as_u16());
        match endpoint {
            Some(Endpoint::Token) => self.log.conclude(ticket, outcome, self.world.now()),
            Some(Endpoint::Api) => {
                self.log.count(|counters| {
                    *counters.api_calls_by_status.entry(status).or_default() += 1;
                });
            }
            _ => {}
        }
        answer
    }

    /// Returns the provider's response, damaged if a fault demands it.
    async fn answer(
        &self,
        request: Request<Body>,
        fault: Option<&Fault>,
    ) -> (Result<Response<Body>, Cut>, Outcome) {
        let response = match self.router.clone().call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (mut head, body) = response.into_parts();
        let Ok(mut body) = to_bytes(body, usize::MAX).await else {
            return (Err(Cut), Outcome::Faulted { fault: "internal" });
        };
        let verdict = head.extensions.remove::<Verdict>();
        let mut unanswered = matches!(fault, Some(Fault::CutBeforeAnswer | Fault::CutDuringAnswer));
        if let Some(fault) = fault {
            let damaged;
            (body, damaged) = damage(fault, &mut head, body);
            unanswered |= damaged;
        }
        if head.extensions.remove::<Gzip>().is_some() {
            body = Bytes::from(gzip(&body));
            let headers = &mut head.headers;
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            headers.remove(CONTENT_LENGTH);
        }
        let name = fault.map_or("", Fault::name);
        let outcome = match verdict {
            Some(Verdict::Granted { .. }) if unanswered => {
                Outcome::GrantedUnanswered { fault: name }
            }
            _ if unanswered => Outcome::Faulted { fault: name },
            Some(Verdict::Granted { replaced }) => Outcome::Granted { replaced },
            Some(Verdict::Refused { error, dead }) => Outcome::Refused { error, dead },
            None => Outcome::Refused {
                error: head.status.as_u16().to_string(),
                dead: false,
            },
        };
        let answer = match fault {
            Some(Fault::CutDuringAnswer) if !body.is_empty() => Ok(cut_midway(head, body)),
            Some(Fault::CutBeforeAnswer | Fault::CutDuringAnswer) => Err(Cut),
            _ => Ok(Response::from_parts(head, Body::from(body))),
        };
        (answer, outcome)
    }

    /// Counts the request on arrival, before it is processed.
    fn arrive(
        &self,
        endpoint: Option<Endpoint>,
        head: &request::Parts,
        body: &[u8],
    ) -> Option<Ticket> {
        let call =
            (endpoint == Some(Endpoint::Token)).then(|| self.provider.token_call(head, body));
        self.log.count(|counters| match endpoint {
            Some(Endpoint::Authorize) => counters.authorize_requests += 1,
            Some(Endpoint::Token) => {
                counters.token_requests += 1;
                let grant = call
                    .as_ref()
                    .map(|call| call.grant_type.clone())
                    .unwrap_or_default();
                *counters.token_requests_by_grant.entry(grant).or_default() += 1;
            }
            Some(Endpoint::Api) => counters.api_calls += 1,
            Some(Endpoint::Revoke) => counters.revocations += 1,
            Some(Endpoint::Introspect) => counters.introspections += 1,
            Some(Endpoint::DeviceAuthorization) => counters.device_authorizations += 1,
            None => counters.other_requests += 1,
        });
        let refresh_token = call?.refresh_token?;
        Some(self.log.present(&refresh_token, self.world.now()))
    }

    fn record(&self, head: &request::Parts, body: &Bytes) {
        if let Some(recording) = &self.recording {
            let request = Request::from_parts(head.clone(), body.clone());
            recording
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .push(request);
        }
    }

    fn epoch(&self) -> u64 {
        self.world
            .now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }
}

/// Returns the host and port of a base URL.
fn authority(base: &str) -> Option<&str> {
    base.split_once("://").map(|(_, authority)| authority)
}

/// Adds the page that login redirects lead to.
pub(crate) fn with_login(router: Router) -> Router {
    router.route(
        "/login",
        axum::routing::get(|| async { answer::html(StatusCode::OK, page::login()) }),
    )
}

/// Records that the client went away, if it is dropped before the presentation has ended.
struct AbandonGuard<'a> {
    server: &'a Server,
    ticket: Option<Ticket>,
}

impl Drop for AbandonGuard<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.server.log.abandon(ticket, self.server.world.now());
        }
    }
}
