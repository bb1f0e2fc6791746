//! A token endpoint that rotates refresh tokens and counts those that are presented twice.

use std::{
    convert::Infallible,
    fs,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::{BoxError, process::time_wait};

/// The time that the endpoint takes for a request.
const LATENCY: Duration = Duration::from_millis(20);

#[derive(Default)]
struct Endpoint {
    connections: AtomicUsize,
    resumed: AtomicUsize,
    requests: AtomicUsize,
    /// The number of presentations of a refresh token that was not the current one.
    twice: AtomicUsize,
    /// The generation of each account's current refresh token.
    generations: Mutex<Vec<usize>>,
}

/// Serves until it is killed. Writes the certificate to the file, and counts to standard output.
pub async fn serve(address: SocketAddr, protocol: &str, file: &str) -> Result<(), BoxError> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([address.ip().to_string()])?;
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let mut tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)?;
    tls.alpn_protocols = vec![protocol.into()];
    // Sessions in the clients' tickets: a cache in memory is searched from end to end.
    tls.ticketer = rustls::crypto::ring::Ticketer::new()?;
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind(address).await?;
    // The script starts the client once the file is there.
    fs::write(file, cert.pem())?;
    let endpoint = Arc::new(Endpoint::default());
    tokio::spawn(report(endpoint.clone()));
    loop {
        let (stream, _) = listener.accept().await?;
        endpoint.connections.fetch_add(1, Ordering::Relaxed);
        let (acceptor, endpoint) = (acceptor.clone(), endpoint.clone());
        // A connection that breaks shows in the client's counts.
        tokio::spawn(async move { drop(handle(acceptor, stream, endpoint).await) });
    }
}

async fn handle(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    endpoint: Arc<Endpoint>,
) -> Result<(), BoxError> {
    stream.set_nodelay(true)?;
    let stream = acceptor.accept(stream).await?;
    let tls = stream.get_ref().1;
    if tls.handshake_kind() == Some(rustls::HandshakeKind::Resumed) {
        endpoint.resumed.fetch_add(1, Ordering::Relaxed);
    }
    let is_http2 = tls.alpn_protocol() == Some(b"h2");
    let service = service_fn(move |request| answer(endpoint.clone(), request));
    if is_http2 {
        let connection = http2::Builder::new(TokioExecutor::new());
        connection
            .serve_connection(TokioIo::new(stream), service)
            .await?;
    } else {
        let connection = http1::Builder::new();
        connection
            .serve_connection(TokioIo::new(stream), service)
            .await?;
    }
    Ok(())
}

async fn answer(
    endpoint: Arc<Endpoint>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    endpoint.requests.fetch_add(1, Ordering::Relaxed);
    let body = request.into_body().collect().await;
    let body = body
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    tokio::time::sleep(LATENCY).await;
    let rotated = presented(&body).and_then(|(account, presented)| {
        let generations = endpoint.generations.lock();
        let mut generations = generations.unwrap_or_else(PoisonError::into_inner);
        if generations.len() <= account {
            generations.resize(account + 1, 0);
        }
        let current = &mut generations[account];
        (presented == *current).then(|| {
            *current += 1;
            format!("r-{account}-{current}")
        })
    });
    let response = Response::builder().header("content-type", "application/json");
    let response = match rotated {
        Some(refresh_token) => {
            let tokens = serde_json::json!({
                "access_token": format!("{}-{refresh_token}", "abcdefgh".repeat(100)),
                "refresh_token": refresh_token,
                "token_type": "Bearer",
                "expires_in": 3600,
            });
            response.body(Full::from(tokens.to_string()))
        }
        None => {
            endpoint.twice.fetch_add(1, Ordering::Relaxed);
            response
                .status(400)
                .body(Full::from(r#"{"error":"invalid_grant"}"#))
        }
    };
    Ok(response.expect("the parts are valid"))
}

/// Returns account and generation of the refresh token `r-ACCOUNT-GENERATION`.
fn presented(form: &[u8]) -> Option<(usize, usize)> {
    let form = str::from_utf8(form).ok()?;
    let mut pairs = form.split('&');
    let token = pairs.find_map(|pair| pair.strip_prefix("refresh_token=r-"))?;
    let (account, generation) = token.split_once('-')?;
    Some((account.parse().ok()?, generation.parse().ok()?))
}

async fn report(endpoint: Arc<Endpoint>) {
    let mut interval = tokio::time::interval(Duration::from_secs(1));
    loop {
        interval.tick().await;
        println!(
            "server: {} connections ({} resumed), {} requests, {} presented twice, {} in TIME_WAIT",
            endpoint.connections.load(Ordering::Relaxed),
            endpoint.resumed.load(Ordering::Relaxed),
            endpoint.requests.load(Ordering::Relaxed),
            endpoint.twice.load(Ordering::Relaxed),
            time_wait(),
        );
    }
}
