//! Over a socket: cuts as a client sees them, and clients as the emulator sees them.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_USER, Emulator, Endpoint, Error, Fault, Outcome, User,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{default_refresh, form_of};

fn refresh(token: &str) -> String {
    let form = form_of(&default_refresh(token));
    let length = form.len();
    format!(
        "POST /token HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\
         content-type: application/x-www-form-urlencoded\r\n\r\n{form}"
    )
}

async fn connect(emulator: &Emulator) -> TcpStream {
    TcpStream::connect(emulator.address().unwrap())
        .await
        .unwrap()
}

/// Reads until the connection ends, also by a reset.
async fn read_to_end(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_client_on_a_socket_gets_the_same_response_as_call() {
    let emulator = Emulator::plain().start().await.unwrap();
    let tokens = emulator.issue_tokens(DEFAULT_USER).unwrap();
    let stream = connect(&emulator).await;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = http::Request::get("/api/me")
        .header("host", emulator.base().strip_prefix("http://").unwrap())
        .header("authorization", format!("Bearer {}", tokens.access_token))
        .body(Full::<Bytes>::default())
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(value["login"], DEFAULT_USER);
    assert_eq!(
        emulator.url(Endpoint::Api).unwrap(),
        format!("{}/api/me", emulator.base())
    );
}

#[tokio::test]
async fn a22_cuts_end_the_connection_without_a_response() {
    let emulator = Emulator::plain().start().await.unwrap();
    for (fault, rotated) in [
        (Fault::CutBeforeBody, false),
        (Fault::CutAfterBody, false),
        (Fault::CutBeforeAnswer, true),
    ] {
        let name = fault.name();
        let token = emulator.issue_tokens(DEFAULT_USER).unwrap().refresh_token;
        emulator.faults().once(Endpoint::Token, fault);
        let mut stream = connect(&emulator).await;
        stream.write_all(refresh(&token).as_bytes()).await.unwrap();
        assert_eq!(read_to_end(stream).await, "", "{name}");
        let mut stream = connect(&emulator).await;
        stream
            .write_all(
                refresh(&token)
                    .replace("host: a", "host: a\r\nconnection: close")
                    .as_bytes(),
            )
            .await
            .unwrap();
        let second = read_to_end(stream).await;
        assert_eq!(
            second.starts_with("HTTP/1.1 400"),
            rotated,
            "{name}: {second}"
        );
    }
}

#[tokio::test]
async fn a_cut_before_the_body_does_not_wait_for_it() {
    let emulator = Emulator::plain().start().await.unwrap();
    emulator
        .faults()
        .once(Endpoint::Token, Fault::CutBeforeBody);
    let mut stream = connect(&emulator).await;
    let request = refresh("x");
    let head = &request[..request.find("\r\n\r\n").unwrap() + 4];
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(read_to_end(stream).await, "");
}

#[tokio::test]
async fn a_cut_during_the_response_sends_half_of_it() {
    let emulator = Emulator::plain().start().await.unwrap();
    let token = emulator.issue_tokens(DEFAULT_USER).unwrap().refresh_token;
    emulator
        .faults()
        .once(Endpoint::Token, Fault::CutDuringAnswer);
    let mut stream = connect(&emulator).await;
    stream.write_all(refresh(&token).as_bytes()).await.unwrap();
    let answer = read_to_end(stream).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"));
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(body.len(), length / 2);
    assert!(body.starts_with("{\"access_token\":"));
    let outcome = Outcome::GrantedUnanswered {
        fault: "cut-during-answer",
    };
    assert_eq!(emulator.counters().presentations[0].outcome, outcome);
}

#[tokio::test]
async fn the_refresh_of_a_client_that_hangs_up_is_done() {
    let emulator = Emulator::plain().start().await.unwrap();
    let token = emulator.issue_tokens(DEFAULT_USER).unwrap().refresh_token;
    let gate = emulator.faults().hold(Endpoint::Token);
    let mut stream = connect(&emulator).await;
    stream.write_all(refresh(&token).as_bytes()).await.unwrap();
    gate.arrived(1).await;
    drop(stream);
    while emulator.counters().presentations[0].abandoned.is_none() {
        tokio::task::yield_now().await;
    }
    gate.release();
    while emulator.counters().presentations[0].ended.is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        emulator.counters().presentations[0].outcome,
        Outcome::Granted { replaced: true }
    );
}

#[tokio::test]
async fn a_redirect_to_another_emulator_is_not_followed() {
    let elsewhere = Emulator::plain().record_requests().start().await.unwrap();
    let emulator = Emulator::plain().start().await.unwrap();
    emulator.faults().once(
        Endpoint::Api,
        Fault::Redirect(format!("{}/api/me", elsewhere.base())),
    );
    let mut stream = connect(&emulator).await;
    stream
        .write_all(b"GET /api/me HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let answer = read_to_end(stream).await;
    assert!(answer.starts_with("HTTP/1.1 302"));
    assert!(answer.contains(elsewhere.base()));
    assert!(elsewhere.recorded_requests().is_empty());
}

#[tokio::test]
async fn the_socket_closes_with_the_last_clone() {
    let emulator = Emulator::plain().start().await.unwrap();
    let address = emulator.address().unwrap();
    let clone = emulator.clone();
    drop(emulator);
    let stream = TcpStream::connect(address).await.unwrap();
    drop(clone);
    // The open connection ends too.
    assert_eq!(read_to_end(stream).await, "");
}

#[tokio::test]
async fn a_port_in_use_is_an_error() {
    let first = Emulator::amiqus().start().await.unwrap();
    let port = first.address().unwrap().port();
    let second = Emulator::amiqus().port(port).start().await;
    let Err(error @ Error::Bind { .. }) = second else {
        panic!("{second:?}")
    };
    assert!(error.to_string().contains(&port.to_string()));
}

#[tokio::test]
async fn i22_a_password_that_is_no_header_value_is_changed() {
    for (password, arrives) in [
        ("p ss", "200 OK"),
        // Blanks around a value are not part of it (RFC 9110 §5.5).
        (" p ", "401 Unauthorized"),
        // The part after the line break is another header.
        ("p\r\nx: y", "401 Unauthorized"),
        ("pässword", "400 Bad Request"),
    ] {
        let user = User::new("bob").password(password);
        let emulator = Emulator::ioffice().user(user).start().await.unwrap();
        let mut stream = connect(&emulator).await;
        let request = format!(
            "POST /external/api/oauth2/auth HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
             content-length: 0\r\ncontent-type: application/json\r\n\
             x-client-id: {DEFAULT_CLIENT_ID}\r\nx-auth-username: bob\r\n\
             x-auth-password: {password}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read_to_end(stream).await;
        let (status, _) = answer.split_once("\r\n").unwrap();
        assert_eq!(status, format!("HTTP/1.1 {arrives}"), "{password:?}");
    }
}
