//! How `HyperTransport` opens and closes its connections.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::Duration,
};

use futures_util::future::join_all;
use tokenkeeper_engine::{Transport as _, TransportError};

use crate::{
    http2::{
        server::{Reaction, Server},
        stop_clock,
    },
    support::{transport, trusting},
    transport::{DEADLINE, post, read_request},
};

const HTTP2: &[&str] = &["h2", "http/1.1"];

#[tokio::test]
async fn requests_at_once_wait_for_one_connection() {
    stop_clock();
    let server = Server::start(HTTP2, |_| Reaction::Respond);
    let transport = trusting(&server);
    let sent = (0..50).map(|_| transport.send(post(server.url()), DEADLINE));
    assert!(join_all(sent).await.iter().all(Result::is_ok));
    assert_eq!(server.requests(), [50]);
}

#[tokio::test]
async fn more_than_a_hundred_requests_at_once_open_another() {
    stop_clock();
    let server = Server::start(HTTP2, |_| Reaction::Hold);
    let transport = trusting(&server);
    for _ in 0..150 {
        let (transport, request) = (transport.clone(), post(server.url()));
        tokio::spawn(async move { transport.send(request, DEADLINE).await });
    }
    while server.requests().iter().sum::<usize>() < 150 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.requests(), [100, 50]);
}

#[tokio::test]
async fn a_failed_connection_fails_only_its_own_request() {
    stop_clock();
    let cut = |number, tcp: &TcpStream| number > 0 || tcp.shutdown(Shutdown::Both).is_err();
    let server = Server::start_after(HTTP2, cut, |_| Reaction::Respond);
    let transport = trusting(&server);
    let sent = (0..10).map(|_| transport.send(post(server.url()), DEADLINE));
    let responses = join_all(sent).await;
    let failed: Vec<_> = responses
        .iter()
        .filter_map(|sent| sent.as_ref().err())
        .collect();
    assert!(
        matches!(failed[..], [TransportError::NotSent(_)]),
        "{failed:?}"
    );
}

#[tokio::test]
async fn a_dropped_request_lets_those_that_waited_connect() {
    let (keep, kept) = mpsc::channel();
    let hang =
        move |number, tcp: &TcpStream| number > 0 || keep.send(tcp.try_clone().unwrap()).is_err();
    let server = Server::start_after(HTTP2, hang, |_| Reaction::Respond);
    let transport = trusting(&server);
    let send = || {
        let (transport, request) = (transport.clone(), post(server.url()));
        tokio::spawn(async move { transport.send(request, DEADLINE).await })
    };
    let hanging = send();
    let _open = loop {
        match kept.try_recv() {
            Ok(open) => break open,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let waiting = send();
    tokio::task::yield_now().await;
    hanging.abort();
    assert!(waiting.await.unwrap().is_ok());
}

/// A server of HTTP/1.1 that responds without closing. What follows is up to the test.
struct Open {
    url: String,
    stream: Receiver<TcpStream>,
}

impl Open {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let (send, stream): (Sender<TcpStream>, _) = mpsc::channel();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            read_request(&mut stream);
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
                .unwrap();
            stream.set_nonblocking(true).unwrap();
            send.send(stream).unwrap();
        });
        Self { url, stream }
    }

    /// Sends a request while the clock is stopped, and returns the server's side after the response
    /// has arrived.
    async fn respond(&self) -> TcpStream {
        stop_clock();
        let request = post(&self.url);
        let response = transport().send(request, DEADLINE).await;
        assert_eq!(response.unwrap().body(), "ok");
        self.stream.recv().unwrap()
    }
}

/// Gives the tasks of the transport every chance to close.
async fn yield_often() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

/// Returns whether the client has closed.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            false
        }
    }
}

#[tokio::test]
async fn the_client_closes_after_the_server() {
    let server = Open::start();
    let mut stream = server.respond().await;
    yield_often().await;
    assert!(!is_closed(&mut stream));
    // The client has nothing to write, so its end of the stream is its close.
    stream.shutdown(Shutdown::Write).unwrap();
    while !is_closed(&mut stream) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_server_that_does_not_close_is_left_after_a_second() {
    let server = Open::start();
    let mut stream = server.respond().await;
    yield_often().await;
    tokio::time::advance(Duration::from_millis(900)).await;
    yield_often().await;
    assert!(!is_closed(&mut stream));
    tokio::time::advance(Duration::from_millis(200)).await;
    while !is_closed(&mut stream) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_server_that_goes_on_sending_is_left_after_a_second() {
    let server = Open::start();
    let mut stream = server.respond().await;
    let mut written = 0;
    while written < 10_000 {
        match stream.write(&[b'x'; 1_000]) {
            Ok(count) => written += count,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        tokio::task::yield_now().await;
    }
    yield_often().await;
    assert!(!is_closed(&mut stream), "it reads what comes");
    tokio::time::advance(Duration::from_millis(1_100)).await;
    while !is_closed(&mut stream) {
        tokio::task::yield_now().await;
    }
}
