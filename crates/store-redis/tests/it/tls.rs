//! TLS, with an authority and with a certificate of our own.

use std::fs;
use std::process::Command;
use std::sync::Once;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokenkeeper_store::TokenStore;
use tokenkeeper_store_redis::{RedisError, RedisOptions, RedisStore};

use crate::server::{RedisServer, free_port};
use crate::support::{cause, entry, key};

struct Tls {
    _server: RedisServer,
    port: u16,
    certificate: String,
    key: String,
}

impl Tls {
    fn start(options: &[&str]) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let provider = rustls::crypto::ring::default_provider();
            provider.install_default().expect("nothing was installed");
        });
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(names).expect("a certificate");
        let (certificate, key) = (cert.pem(), signing_key.serialize_pem());
        let port = free_port();
        let own = port.to_string();
        let mut all = vec!["--save", "", "--tls-port", &own];
        all.extend(["--tls-cert-file", "{dir}/cert.pem"]);
        all.extend(["--tls-key-file", "{dir}/key.pem"]);
        all.extend(["--tls-ca-cert-file", "{dir}/cert.pem"]);
        all.extend_from_slice(options);
        let server = RedisServer::start_program("redis-server", &all, |directory, _| {
            fs::write(directory.join("cert.pem"), &certificate).expect("a file");
            fs::write(directory.join("key.pem"), &key).expect("a file");
        });
        Self {
            _server: server,
            port,
            certificate,
            key,
        }
    }

    fn options(&self) -> RedisOptions {
        RedisOptions::new(&format!("rediss://localhost:{}", self.port)).expect("a URL")
    }
}

#[tokio::test]
async fn a_server_whose_authority_is_known_is_used_and_watched() {
    let tls = Tls::start(&["--tls-auth-clients", "no"]);
    let options = tls.options().root_certificates(tls.certificate.as_str());
    let store = options.plaintext().await.unwrap();
    let first = entry("first");
    assert!(
        store
            .put(&key("a"), &first, None)
            .await
            .unwrap()
            .is_applied()
    );
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(first));
    assert!(store.watch().is_some());
}

#[tokio::test]
async fn a_server_whose_authority_is_not_known_is_not_trusted() {
    let (tls, other) = (
        Tls::start(&["--tls-auth-clients", "no"]),
        Tls::start(&["--tls-auth-clients", "no"]),
    );
    let options = tls.options().root_certificates(other.certificate.as_str());
    let error = options.plaintext().await.unwrap_err();
    assert!(
        matches!(cause(&error), RedisError::Unreachable { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_certificate_is_shown_where_the_server_asks_for_one() {
    let tls = Tls::start(&["--tls-auth-clients", "yes"]);
    let options = || tls.options().root_certificates(tls.certificate.as_str());
    let error = options().plaintext().await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    let with_one = options().client_certificate(tls.certificate.as_str(), tls.key.as_str());
    assert!(with_one.plaintext().await.is_ok());
}

#[tokio::test]
async fn certificates_that_are_none_are_refused() {
    let tls = Tls::start(&["--tls-auth-clients", "no"]);
    let broken = "-----BEGIN CERTIFICATE-----\nno base64\n-----END CERTIFICATE-----\n";
    let error = tls
        .options()
        .root_certificates(broken)
        .plaintext()
        .await
        .unwrap_err();
    assert!(
        matches!(cause(&error), RedisError::BadCertificate { .. }),
        "{error:?}"
    );
    let options = tls.options().root_certificates(tls.certificate.as_str());
    let error = options
        .client_certificate(broken, "no key")
        .plaintext()
        .await
        .unwrap_err();
    assert!(
        matches!(cause(&error), RedisError::BadCertificate { .. }),
        "{error:?}"
    );
}

// What is installed is so for the whole process, so the test is in one of its own.
#[test]
fn without_a_crypto_provider_tls_is_an_error_and_not_a_panic() {
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
        let error = RedisStore::plaintext(url).await.unwrap_err();
        assert!(
            matches!(cause(&error), RedisError::NoCryptoProvider),
            "{error:?}"
        );
    }
}
