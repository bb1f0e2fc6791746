//! TLS with self-signed and client certificates.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Once;

use futures_util::{FutureExt as _, StreamExt as _};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokenkeeper_store::TokenStore;
use tokenkeeper_store_redis::{RedisError, RedisOptions, RedisStore};

use crate::groups::Cluster;
use crate::sentinel_group::opened;
use crate::server::RedisServer;
use crate::support::{cause, entry, key, patient};

/// A server with a self-signed certificate.
struct Tls {
    server: RedisServer,
    certificate: Certificate,
}

struct Certificate {
    pem: String,
    key: String,
}

impl Certificate {
    fn new() -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let provider = rustls::crypto::ring::default_provider();
            provider.install_default().expect("nothing was installed");
        });
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(names).expect("a certificate");
        Self {
            pem: cert.pem(),
            key: signing_key.serialize_pem(),
        }
    }

    fn write(&self, directory: &Path) {
        fs::write(directory.join("cert.pem"), &self.pem).expect("a file");
        fs::write(directory.join("key.pem"), &self.key).expect("a file");
    }

    fn server(&self, options: &[&str]) -> RedisServer {
        let mut all = vec!["--save", "", "--tls-port", "{tls}"];
        all.extend(["--tls-cert-file", "{dir}/cert.pem"]);
        all.extend(["--tls-key-file", "{dir}/key.pem"]);
        all.extend(["--tls-ca-cert-file", "{dir}/cert.pem"]);
        all.extend_from_slice(options);
        RedisServer::start_program("redis-server", &all, |directory, _, _| {
            self.write(directory);
        })
    }

    /// Starts a sentinel that uses TLS with clients and with the master.
    fn sentinel(&self, master: &RedisServer) -> RedisServer {
        RedisServer::start_program("redis-sentinel", &[], |directory, port, tls_port| {
            self.write(directory);
            let dir = directory.display();
            let text = format!(
                "port {port}\nbind 127.0.0.1\ndir {dir}\n\
                 tls-port {tls_port}\ntls-replication yes\ntls-auth-clients no\n\
                 tls-cert-file {dir}/cert.pem\ntls-key-file {dir}/key.pem\n\
                 tls-ca-cert-file {dir}/cert.pem\n\
                 sentinel monitor main 127.0.0.1 {} 1\n\
                 sentinel down-after-milliseconds main 3600000\n",
                master.tls_port
            );
            fs::write(directory.join("server.conf"), text).expect("a configuration file");
        })
    }
}

impl Tls {
    fn start(options: &[&str]) -> Self {
        let certificate = Certificate::new();
        Self {
            server: certificate.server(options),
            certificate,
        }
    }

    fn options(&self) -> RedisOptions {
        patient(&format!("rediss://localhost:{}", self.server.tls_port))
    }
}

/// Puts, gets, and watches.
async fn try_out(store: &RedisStore) {
    let (key, first) = (key("a"), entry("first"));
    let mut changes = store.watch().expect("a stream");
    let outcome = store.put(&key, &first, None).await;
    assert!(outcome.expect("an outcome").is_applied());
    let found = store.get(&key).await.expect("an answer");
    assert_eq!(found, Some(first.clone()));
    // The subscription may begin late, so the write is repeated until it is told.
    let mut expected = first.version;
    loop {
        let next = entry("next");
        let outcome = store.put(&key, &next, Some(expected)).await;
        assert!(outcome.expect("an outcome").is_applied());
        expected = next.version;
        if let Some(told) = changes.next().now_or_never() {
            assert_eq!(told.expect("a change").key, key);
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_trusted_certificate_is_used() {
    let tls = Tls::start(&["--tls-auth-clients", "no"]);
    let options = tls
        .options()
        .root_certificates(tls.certificate.pem.as_str());
    try_out(&options.open_plaintext().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_of_a_cluster_uses_tls() {
    let certificate = Certificate::new();
    let cluster = Cluster::of(|options| {
        let tls = ["--tls-cluster", "yes", "--tls-auth-clients", "no"];
        certificate.server(&[options, &tls].concat())
    });
    // The other nodes are discovered.
    let url = format!("rediss+cluster://localhost:{}", cluster.nodes[0].tls_port);
    let options = || patient(&url).root_certificates(certificate.pem.as_str());
    let store = options().open_plaintext().await.unwrap();
    try_out(&store).await;
    for number in 0..30 {
        let key = key(&format!("user-{number}"));
        let outcome = store.put(&key, &entry("value"), None).await.unwrap();
        assert!(outcome.is_applied());
    }
    for node in &cluster.nodes {
        assert!(node.calls_of("evalsha") > 0);
    }
    let other = Certificate::new();
    let options = patient(&url).root_certificates(other.pem.as_str());
    let error = options.open_plaintext().await.unwrap_err();
    assert!(matches!(cause(&error), RedisError::Unreachable { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_and_their_master_use_tls() {
    let certificate = Certificate::new();
    let master = certificate.server(&["--tls-auth-clients", "no"]);
    let sentinel = certificate.sentinel(&master);
    let url = format!("rediss+sentinel://localhost:{}/main", sentinel.tls_port);
    let options = patient(&url).root_certificates(certificate.pem.as_str());
    let store = opened(async || options.clone().open_plaintext().await).await;
    try_out(&store).await;
    let other = Certificate::new();
    let options = patient(&url).root_certificates(other.pem.as_str());
    let error = options.open_plaintext().await.unwrap_err();
    assert!(matches!(cause(&error), RedisError::Unreachable { .. }));
}

#[tokio::test]
async fn a_server_with_another_certificate_is_not_trusted() {
    let (tls, other) = (
        Tls::start(&["--tls-auth-clients", "no"]),
        Tls::start(&["--tls-auth-clients", "no"]),
    );
    let options = tls
        .options()
        .root_certificates(other.certificate.pem.as_str());
    let error = options.open_plaintext().await.unwrap_err();
    assert!(
        matches!(cause(&error), RedisError::Unreachable { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_client_certificate_is_presented() {
    let tls = Tls::start(&["--tls-auth-clients", "yes"]);
    let options = || {
        tls.options()
            .root_certificates(tls.certificate.pem.as_str())
    };
    let error = options().open_plaintext().await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    let with_one =
        options().client_certificate(tls.certificate.pem.as_str(), tls.certificate.key.as_str());
    assert!(with_one.open_plaintext().await.is_ok());
}

#[tokio::test]
async fn malformed_certificates_are_refused() {
    let tls = Tls::start(&["--tls-auth-clients", "no"]);
    let broken = "-----BEGIN CERTIFICATE-----\nno base64\n-----END CERTIFICATE-----\n";
    let trusting = || {
        tls.options()
            .root_certificates(tls.certificate.pem.as_str())
    };
    for options in [
        tls.options().root_certificates(broken),
        trusting().client_certificate(broken, "no key"),
    ] {
        let error = options.open_plaintext().await.unwrap_err();
        let cause = cause(&error);
        assert!(
            matches!(cause, RedisError::BadCertificate { .. }),
            "{error:?}"
        );
    }
}

// A provider is installed for the whole process, so the test runs in another one.
#[test]
fn tls_without_a_crypto_provider_is_an_error() {
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "tls::in_a_process_without_a_provider",
            "--ignored",
        ])
        .output()
        .expect("a process");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[tokio::test]
#[ignore = "run by the test above"]
async fn in_a_process_without_a_provider() {
    for url in [
        "rediss://localhost",
        "rediss+cluster://localhost",
        "rediss+sentinel://localhost/main",
    ] {
        let error = RedisStore::open_plaintext(url).await.unwrap_err();
        assert!(
            matches!(cause(&error), RedisError::NoCryptoProvider),
            "{error:?}"
        );
    }
}
