//! The transport against HTTP servers and broken peers. The crate `reqwest` includes this file.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokenkeeper_engine::{
    RequestBody, Transport as _, TransportError, protocol::MAX_TOKEN_RESPONSE,
};

use crate::support::{Api, Error, Tested, transport};

pub const DEADLINE: Duration = Duration::from_secs(30);

pub fn post(uri: impl AsRef<str>) -> Request<RequestBody> {
    let body = RequestBody::new("grant_type=refresh_token");
    Request::post(uri.as_ref())
        .header("x-client-id", "client")
        .body(body)
        .unwrap()
}

async fn send(uri: impl AsRef<str>) -> Result<Response<Bytes>, TransportError> {
    transport().send(post(uri), DEADLINE).await
}

/// Starts a thread that accepts one connection, and returns its address.
fn raw(behave: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || behave(listener.accept().unwrap().0));
    address
}

/// Reads to the end of the request's body.
pub fn read_request(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"grant_type=refresh_token") {
        let mut part = [0; 512];
        let count = stream.read(&mut part).unwrap();
        assert!(count > 0);
        seen.extend_from_slice(&part[..count]);
    }
}

/// Starts a server that answers with these bytes and closes.
fn answering(response: impl Into<Vec<u8>> + Send + 'static) -> SocketAddr {
    raw(move |mut stream| {
        read_request(&mut stream);
        stream.write_all(&response.into()).unwrap();
    })
}

#[test]
fn a_missing_crypto_provider_is_an_error() {
    // None is installed in this process.
    assert!(matches!(Tested::new(), Err(Error::NoCryptoProvider)));
}

#[tokio::test]
async fn a_response_is_returned_whole() {
    let api = Api::start().await;
    let response = send(api.url("/token")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.body(), "grant_type=refresh_token");
    let headers = &api.seen()[0].headers;
    assert_eq!(headers["content-length"], "24");
    assert_eq!(headers["connection"], "close");
    assert_eq!(headers["host"], api.url("").trim_start_matches("http://"));
}

#[tokio::test]
async fn i25_q18_a_redirect_is_not_followed() {
    let (api, foreign) = (Api::start().await, Api::start().await);
    let response = send(api.url(&format!("/to?{}", foreign.url("/token"))))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
    assert!(foreign.seen().is_empty());
}

#[tokio::test]
async fn q18_a_500_is_a_response() {
    let api = Api::start().await;
    let response = send(api.url("/broken")).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(api.seen().len(), 1, "not retried");
}

#[tokio::test]
async fn a_compressed_response_is_decoded() {
    let response = [
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 43\r\n\r\n",
        GZIPPED,
    ];
    let address = answering(response.concat());
    let response = send(format!("http://{address}/token")).await.unwrap();
    assert_eq!(response.body(), r#"{"access_token":"at-1"}"#);
    assert!(!response.headers().contains_key("content-encoding"));
}

/// `{"access_token":"at-1"}`.
const GZIPPED: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x4a\x4c\x4e\x4e\x2d\x2e\x8e\x2f\
    \xc9\xcf\x4e\xcd\x53\xb2\x52\x4a\x2c\xd1\x35\x54\xaa\x05\x00\xb3\xd1\x42\xb4\x17\
    \x00\x00\x00";

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let error = send(Api::gone().await).await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent(_)), "{error:?}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_was_not_sent() {
    let error = send("https://token.invalid/").await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent(_)), "{error:?}");
}

#[tokio::test]
async fn a_failed_tls_handshake_was_not_sent() {
    let address = raw(|mut stream| {
        let mut hello = [0; 16];
        stream.read_exact(&mut hello).unwrap();
        assert!(!hello.windows(4).any(|four| four == b"POST"));
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
    });
    let error = send(format!("https://{address}/token")).await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent(_)), "{error:?}");
}

#[tokio::test]
async fn http_beyond_loopback_is_not_sent() {
    let error = send("http://token.example/").await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent(_)), "{error:?}");
}

#[tokio::test]
async fn a_cut_connection_leaves_the_outcome_unknown() {
    let after = raw(|mut stream| read_request(&mut stream));
    let within = answering("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"access_token");
    for address in [after, within] {
        let error = send(format!("http://{address}/token")).await.unwrap_err();
        assert!(matches!(error, TransportError::Unknown(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_connection_cut_at_once_is_an_error_of_either_kind() {
    let address = raw(drop);
    let error = send(format!("http://{address}/token")).await.unwrap_err();
    // The cut may come before the client has begun to write.
    let expected = matches!(
        error,
        TransportError::NotSent(_) | TransportError::Unknown(_)
    );
    assert!(expected, "{error:?}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_too_large() {
    let length = MAX_TOKEN_RESPONSE + 1;
    let announced = answering(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n"
    ));
    let body = "x".repeat(length);
    let silent = raw(move |mut stream| {
        read_request(&mut stream);
        // The client closes the connection when it has read too much.
        let _ = write!(stream, "HTTP/1.1 200 OK\r\n\r\n{body}");
    });
    for address in [announced, silent] {
        let error = send(format!("http://{address}/token")).await.unwrap_err();
        assert!(matches!(error, TransportError::TooLarge), "{error:?}");
    }
    let largest = "x".repeat(MAX_TOKEN_RESPONSE);
    let address = answering(format!("HTTP/1.1 200 OK\r\n\r\n{largest}"));
    let response = send(format!("http://{address}/token")).await.unwrap();
    assert_eq!(response.body().len(), MAX_TOKEN_RESPONSE);
}

#[tokio::test]
async fn the_deadline_ends_the_wait() {
    let (keep, kept) = mpsc::channel();
    let address = raw(move |stream| keep.send(stream).unwrap());
    tokio::time::pause();
    let error = send(format!("http://{address}/token")).await.unwrap_err();
    assert!(matches!(error, TransportError::TimedOut), "{error:?}");
    drop(kept);
}

#[tokio::test]
async fn a_response_that_has_arrived_beats_the_deadline() {
    let (write, written) = mpsc::channel();
    let (read, was_read) = mpsc::channel();
    let address = raw(move |mut stream| {
        read_request(&mut stream);
        read.send(()).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            .unwrap();
        write.send(stream).unwrap();
    });
    let uri = format!("http://{address}/token");
    let sent = tokio::spawn(async move { transport().send(post(uri), DEADLINE).await });
    while was_read.try_recv().is_err() {
        tokio::task::yield_now().await;
    }
    // This thread is the runtime: nothing is polled until the response has arrived and the clock is
    // past the deadline.
    let _stream = written.recv().unwrap();
    tokio::time::pause();
    tokio::time::advance(DEADLINE * 2).await;
    assert_eq!(sent.await.unwrap().unwrap().body(), "ok");
}
