//! Which requests a proxy of the environment sees.

use std::{
    env,
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Command,
    thread,
};

use tokenkeeper_engine::{Transport as _, TransportError, protocol::AddressPolicy};
use tokenkeeper_reqwest::ReqwestTransport;
use tokenkeeper_test_support::api::Api;

use crate::{
    support::builder_of_environment,
    transport::{DEADLINE, post},
};

/// Set in the process that has a proxy in its environment.
const CHILD: &str = "TOKENKEEPER_TEST_BEHIND_PROXY";

/// Starts a proxy that refuses all, and returns its address and its first request's first line.
fn proxy() -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            line.extend(byte);
        }
        let refusal = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(refusal).unwrap();
        String::from_utf8(line).unwrap()
    });
    (url, seen)
}

#[test]
fn a_proxy_of_the_environment_sees_no_loopback_or_chosen_site() {
    let (url, seen) = proxy();
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "proxies::behind_a_proxy", "--nocapture"])
        .env_clear()
        .envs(env::vars().filter(|(name, _)| !name.to_lowercase().ends_with("_proxy")))
        .env("HTTP_PROXY", &url)
        .env("HTTPS_PROXY", &url)
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(
        child.status.success(),
        "{}{}",
        String::from_utf8_lossy(&child.stdout),
        String::from_utf8_lossy(&child.stderr)
    );
    // Its last request is the first that the proxy saw.
    let line = seen.join().unwrap();
    assert!(line.starts_with("CONNECT token.example:443 "), "{line}");
}

#[tokio::test]
async fn behind_a_proxy() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    let transport = ReqwestTransport::from_builder(builder_of_environment).unwrap();
    let api = Api::start().await;
    let response = transport.send(post(api.url("/token")), DEADLINE).await;
    assert_eq!(response.unwrap().status(), 200);
    assert_eq!(api.seen().len(), 1, "loopback is reached without the proxy");

    let mut chosen = post("https://acme.invalid/token");
    chosen.extensions_mut().insert(AddressPolicy::public());
    let response = transport.send(chosen, DEADLINE).await;
    assert!(
        matches!(response, Err(TransportError::NotSent(_))),
        "{response:?}"
    );

    let response = transport
        .send(post("https://token.example/token"), DEADLINE)
        .await;
    assert!(
        matches!(response, Err(TransportError::NotSent(_))),
        "{response:?}"
    );
}
