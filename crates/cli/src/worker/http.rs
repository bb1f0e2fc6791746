//! The listener of a worker: `/health` and `/metrics`.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokenkeeper::{Accounts, store::TokenStore};
use tokio::net::TcpListener;

use super::health::Health;

/// What the responses are made of.
pub(super) struct Source {
    pub(super) accounts: Accounts,
    pub(super) store: Arc<dyn TokenStore>,
    pub(super) metrics: PrometheusHandle,
    /// Whether a signal has arrived.
    pub(super) is_draining: AtomicBool,
}

/// Answers until it is dropped.
pub(super) async fn serve(listener: TcpListener, source: Arc<Source>) -> io::Result<()> {
    let routes = Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .with_state(source);
    axum::serve(listener, routes).await
}

/// 200 if the worker does its work, otherwise 503; the body says why.
async fn health(State(source): State<Arc<Source>>) -> Response {
    let is_draining = source.is_draining.load(Ordering::Relaxed);
    let health = Health::read(&source.accounts, &source.store, is_draining).await;
    let status = if health.is_ok() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    match serde_json::to_string(&health) {
        Ok(body) => (status, [(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Prometheus' text format.
async fn metrics(State(source): State<Arc<Source>>) -> Response {
    let format = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (format, source.metrics.render()).into_response()
}
