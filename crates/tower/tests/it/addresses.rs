//! Which addresses a request to a site that a person chose goes to. The crate `reqwest` includes
//! this file.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};

use http::Request;
use tokenkeeper_engine::{Transport as _, TransportError, protocol::AddressPolicy};

use crate::{
    http2::{
        server::{Reaction, Server},
        stop_clock,
    },
    support::{Tested, resolving},
    transport::{DEADLINE, post},
};

/// A resolver with the same answer for every name.
#[derive(Clone, Debug, Default)]
pub struct Names {
    answer: Vec<IpAddr>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    fn all_at<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Self {
        let parse = |address: &str| address.parse().unwrap();
        Self {
            answer: addresses.into_iter().map(parse).collect(),
            asked: Arc::default(),
        }
    }

    pub fn answer(&self, name: &str) -> Vec<SocketAddr> {
        self.asked.lock().unwrap().push(name.to_owned());
        let answer = self.answer.iter();
        answer.map(|address| SocketAddr::new(*address, 0)).collect()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A server, and a transport that trusts it and resolves with these names.
fn world(protocols: &[&str], names: &Names) -> (Server, Tested) {
    let server = Server::start(protocols, |_| Reaction::Respond);
    let transport = resolving(&server, names.clone());
    (server, transport)
}

const HTTP1: &[&str] = &["http/1.1"];
const HTTP2: &[&str] = &["h2", "http/1.1"];

/// Sends to the server's port at this host.
async fn send(
    (server, transport): &(Server, Tested),
    host: &str,
    policy: Option<AddressPolicy>,
) -> Result<(), TransportError> {
    let port = server.port();
    let mut request: Request<_> = post(format!("https://{host}:{port}/token"));
    if let Some(policy) = policy {
        request.extensions_mut().insert(policy);
    }
    transport.send(request, DEADLINE).await.map(drop)
}

const PUBLIC: Option<AddressPolicy> = Some(AddressPolicy::public());
const LOOPBACK: Option<AddressPolicy> = Some(AddressPolicy::public().allow_loopback(true));

#[track_caller]
fn assert_refused(sent: Result<(), TransportError>, address: &str) {
    match sent {
        Err(TransportError::AddressRefused(refused)) => {
            assert_eq!(refused.address, address.parse::<IpAddr>().unwrap());
        }
        other => panic!("{address}: {other:?}"),
    }
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused() {
    for address in [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fc00::1",
        "fe80::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
    ] {
        let world = world(HTTP1, &Names::all_at([address]));
        assert_refused(send(&world, "acme.example", PUBLIC).await, address);
        assert!(world.0.seen().is_empty(), "{address}");
    }
}

#[tokio::test]
async fn a_private_address_as_the_host_is_refused() {
    let world = world(HTTP1, &Names::default());
    for (host, address) in [
        ("127.0.0.1", "127.0.0.1"),
        ("169.254.169.254", "169.254.169.254"),
        ("[::1]", "::1"),
        ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1"),
    ] {
        assert_refused(send(&world, host, PUBLIC).await, address);
    }
    assert!(world.0.seen().is_empty());
}

#[tokio::test]
async fn only_the_allowed_addresses_of_a_name_are_tried() {
    let names = Names::all_at(["10.255.255.1", "127.0.0.1", "fc00::1"]);
    let world = world(HTTP1, &names);
    send(&world, "acme.example", LOOPBACK).await.unwrap();
    assert_eq!(world.0.requests(), [1]);
    assert_eq!(
        names.asked(),
        ["acme.example."],
        "the judged answer is used"
    );
}

#[tokio::test]
async fn no_search_list_applies_and_the_host_stays() {
    let names = Names::all_at(["127.0.0.1"]);
    let world = world(HTTP1, &names);
    send(&world, "acme.example", LOOPBACK).await.unwrap();
    let seen = &world.0.seen()[0];
    let host = format!("\r\nhost: acme.example:{}\r\n", world.0.port());
    assert!(seen.head.contains(&host), "{}", seen.head);
    assert_eq!(seen.server_name.as_deref(), Some("acme.example"));
    assert_eq!(names.asked(), ["acme.example."]);
}

#[tokio::test]
async fn a_site_of_the_application_may_have_any_address() {
    let names = Names::all_at(["127.0.0.1"]);
    let world = world(HTTP1, &names);
    send(&world, "acme.example", None).await.unwrap();
    assert_eq!(world.0.requests(), [1]);
    assert_eq!(names.asked(), ["acme.example"]);
}

#[tokio::test]
async fn requests_of_different_policies_share_no_connection() {
    stop_clock();
    let world = world(HTTP2, &Names::all_at(["127.0.0.1"]));
    send(&world, "acme.example", None).await.unwrap();
    assert_refused(send(&world, "acme.example", PUBLIC).await, "127.0.0.1");
    send(&world, "acme.example", LOOPBACK).await.unwrap();
    send(&world, "acme.example", None).await.unwrap();
    assert_eq!(world.0.requests(), [2, 1]);
}
