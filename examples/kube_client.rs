//! kube's typed calls with the token of an account, over the TLS of the kubeconfig.
//!
//! ```sh
//! cargo run --example kube_client
//! ```

mod provider;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::State, response::IntoResponse, routing::get, serve::Listener};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Config,
    client::{ClientBuilder, ConfigExt as _, retry::RetryPolicy},
    config::{AuthInfo, KubeConfigOptions, Kubeconfig},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use serde_json::json;
use tokenkeeper::{Account, tower::TokenLayer};
use tokenkeeper_emulator::Emulator;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tower::{ServiceBuilder, retry::RetryLayer};

use provider::Failure;

/// Makes the client of one account.
///
/// kube's own stack takes the credentials from the kubeconfig. This is that stack with an account
/// in their place: the cluster's certificates and the server name are the kubeconfig's.
fn client_of(account: Account, mut config: Config) -> Result<kube::Client, Failure> {
    // A server takes a client certificate before any token, and the person to impersonate from it.
    config.auth_info = AuthInfo::default();
    let retries = config.default_retry.then(RetryPolicy::server_retry);
    let http = Client::builder(TokioExecutor::new()).build(config.rustls_https_connector()?);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(retries.map(RetryLayer::new))
        .layer(TokenLayer::new(account))
        .layer(config.extra_headers_layer()?)
        .service(http);
    Ok(ClientBuilder::new(service, config.default_namespace).build())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let provider = provider::start().await?;
    // A file with a certificate authority, as `~/.kube/config` is, and without credentials.
    let kubeconfig = Kubeconfig::from_yaml(&serve(provider.clone()).await?)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;

    let cluster = config.cluster_url.to_string();
    let accounts = provider::accounts(&provider, cluster.trim_end_matches('/'))?;
    let alice = provider::connect(&accounts, &provider, "alice").await?;
    let maps = Api::<ConfigMap>::default_namespaced(client_of(alice, config)?);
    let reader = async || {
        let map = maps.get("settings").await?;
        let reader = map.data.and_then(|mut data| data.remove("read-by"));
        reader.ok_or(Failure::from("the settings name no reader"))
    };
    println!("{cluster} answered {}", reader().await?);

    // The token expires early: the layer refreshes it and replays the call.
    provider.expire_access_tokens();
    assert_eq!(reader().await?, "alice");
    assert_eq!(provider.counters().refreshes(), 1);

    accounts.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

/// Serves one object of a cluster under a certificate of the cluster's own authority, and returns
/// the kubeconfig.
async fn serve(provider: Emulator) -> Result<String, Failure> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
    let certificate = params.signed_by(&key, &authority)?;
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let tls = ServerConfig::builder().with_no_client_auth();
    let tls = tls.with_single_cert(vec![certificate.der().clone()], key)?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let path = "/api/v1/namespaces/default/configmaps/settings";
    let router = Router::new()
        .route(path, get(settings))
        .with_state(provider);
    let listener = TlsListener {
        tcp: listener,
        tls: Arc::new(tls).into(),
    };
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok(format!(
        "apiVersion: v1
kind: Config
current-context: example
clusters:
- name: example
  cluster:
    server: https://{address}
    certificate-authority-data: {}
contexts:
- name: example
  context:
    cluster: example
    user: example
users:
- name: example
  user: {{}}
",
        STANDARD.encode(authority.pem())
    ))
}

async fn settings(State(provider): State<Emulator>, headers: HeaderMap) -> impl IntoResponse {
    let (status, body) = match provider::user_of(&provider, &headers).await {
        Some(user) => {
            let metadata = json!({"name": "settings"});
            let map = json!({"metadata": metadata, "data": {"read-by": user}});
            (StatusCode::OK, map)
        }
        None => {
            let refusal = json!({"status": "Failure", "reason": "Unauthorized", "code": 401});
            (StatusCode::UNAUTHORIZED, refusal)
        }
    };
    (
        status,
        [(CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
}

struct TlsListener {
    tcp: TcpListener,
    tls: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.tcp).await;
            // A client that does not trust the certificate hangs up.
            if let Ok(stream) = self.tls.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}
