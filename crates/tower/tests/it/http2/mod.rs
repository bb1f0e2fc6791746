//! Which connections the transport shares. The crate `reqwest` includes this file.

pub mod server;

use std::time::Duration;

use http::StatusCode;
use tokenkeeper_engine::{Transport as _, TransportError};

use self::server::{Reaction, Server};
use crate::{
    support::{Tested, trusting},
    transport::{DEADLINE, post},
};

const HTTP2: &[&str] = &["h2", "http/1.1"];
const HTTP1: &[&str] = &["http/1.1"];

/// Stops the clock, so that no connection is silent for long while the machine is busy.
pub fn stop_clock() {
    tokio::time::pause();
    // A paused clock moves on when the runtime is idle.
    tokio::spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
}

/// A server that reacts like this to its first requests, and responds to all others.
fn server(reactions: &'static [Reaction]) -> (Server, Tested) {
    stop_clock();
    let server = Server::start(HTTP2, |number| {
        *reactions.get(number).unwrap_or(&Reaction::Respond)
    });
    let transport = trusting(&server);
    (server, transport)
}

async fn respond(transport: &Tested, server: &Server) {
    let response = transport.send(post(server.url()), DEADLINE).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.body(), "ok");
}

async fn fail(transport: &Tested, server: &Server) -> TransportError {
    let response = transport.send(post(server.url()), DEADLINE).await;
    response.unwrap_err()
}

#[tokio::test]
async fn http2_requests_share_a_connection() {
    let (server, transport) = server(&[]);
    for _ in 0..3 {
        respond(&transport, &server).await;
    }
    assert_eq!(server.requests(), [3]);
}

#[tokio::test]
async fn a_request_that_goaway_excludes_is_sent_again() {
    let (server, transport) = server(&[Reaction::Respond, Reaction::GoAwayBefore]);
    for _ in 0..2 {
        respond(&transport, &server).await;
    }
    assert_eq!(server.requests(), [2, 1]);
}

#[tokio::test]
async fn a_request_that_goaway_includes_stays_unknown() {
    let (server, transport) = server(&[Reaction::Respond, Reaction::GoAwayAfter]);
    respond(&transport, &server).await;
    let error = fail(&transport, &server).await;
    assert!(matches!(error, TransportError::Unknown(_)), "{error:?}");
    assert_eq!(server.requests(), [2], "not sent again");
    respond(&transport, &server).await;
    assert_eq!(server.requests(), [2, 1]);
}

#[tokio::test]
async fn a_refused_stream_is_sent_again() {
    let (server, transport) = server(&[Reaction::Respond, Reaction::Refuse]);
    for _ in 0..2 {
        respond(&transport, &server).await;
    }
    assert_eq!(server.requests().iter().sum::<usize>(), 3);
}

#[tokio::test]
async fn a_stream_that_is_always_refused_was_not_sent() {
    stop_clock();
    for reaction in [Reaction::Refuse, Reaction::GoAwayBefore] {
        let server = Server::start(HTTP2, move |_| reaction);
        let error = fail(&trusting(&server), &server).await;
        assert!(matches!(error, TransportError::NotSent(_)), "{error:?}");
        assert_eq!(server.requests().iter().sum::<usize>(), 3);
    }
}

#[tokio::test]
async fn a_cut_shared_connection_leaves_the_outcome_unknown() {
    let (server, transport) = server(&[Reaction::Respond, Reaction::Cut]);
    respond(&transport, &server).await;
    let error = fail(&transport, &server).await;
    assert!(matches!(error, TransportError::Unknown(_)), "{error:?}");
    assert_eq!(server.requests(), [2], "not sent again");
    respond(&transport, &server).await;
}

#[tokio::test]
async fn a_connection_that_was_silent_is_not_used_again() {
    let (server, transport) = server(&[]);
    respond(&transport, &server).await;
    tokio::time::advance(Duration::from_secs(6)).await;
    respond(&transport, &server).await;
    assert_eq!(server.requests(), [1, 1]);
}

#[tokio::test]
async fn http1_requests_never_share_a_connection() {
    stop_clock();
    let server = Server::start(HTTP1, |_| Reaction::Respond);
    let transport = trusting(&server);
    for _ in 0..2 {
        respond(&transport, &server).await;
    }
    assert_eq!(server.requests(), [1, 1], "although the server allows it");
    for seen in server.seen() {
        assert!(seen.head.contains("\r\nconnection: close\r\n"), "{seen:?}");
        assert!(
            seen.head.starts_with("post /token http/1.1\r\n"),
            "{seen:?}"
        );
    }
}

#[tokio::test]
async fn tls_sessions_are_resumed() {
    let server = Server::start(HTTP1, |_| Reaction::Respond);
    let transport = trusting(&server);
    for _ in 0..3 {
        respond(&transport, &server).await;
    }
    let resumed: Vec<bool> = server.seen().iter().map(|seen| seen.resumed).collect();
    assert_eq!(resumed, [false, true, true]);
}
