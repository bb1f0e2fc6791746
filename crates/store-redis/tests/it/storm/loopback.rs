//! A transport that sends each token request over a new connection.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokenkeeper_engine::{RequestBody, Transport, TransportError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// As much of HTTP/1.1 as the emulator needs: a request with a body, and a response that ends with
/// the connection.
#[derive(Debug)]
pub(crate) struct Loopback;

#[async_trait]
impl Transport for Loopback {
    async fn send(
        &self,
        request: Request<RequestBody>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let unknown = |error: std::io::Error| TransportError::Unknown(error.into());
        let authority = request.uri().authority().expect("an absolute URL").as_str();
        let mut connection = TcpStream::connect(authority)
            .await
            .map_err(|error| TransportError::NotSent(error.into()))?;
        let exchange = async {
            let path = request.uri().path_and_query().expect("a path");
            let mut head = format!(
                "{} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\
                 content-length: {}\r\n",
                request.method(),
                request.body().len()
            );
            for (name, value) in request.headers() {
                if name != http::header::CONTENT_LENGTH && name != http::header::HOST {
                    let value = value.to_str().expect("a text");
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
            }
            head.push_str("\r\n");
            connection.write_all(head.as_bytes()).await?;
            connection.write_all(request.body()).await?;
            let mut answer = Vec::new();
            connection.read_to_end(&mut answer).await?;
            Ok(answer)
        };
        let answer = tokio::time::timeout(deadline, exchange)
            .await
            .map_err(|elapsed| unknown(elapsed.into()))?
            .map_err(unknown)?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = answer.split_at(end.expect("a head") + 4);
        let head = str::from_utf8(head).expect("a text");
        let status = head.split(' ').nth(1).expect("a status");
        let mut response = Response::builder().status(status);
        for (name, value) in head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
        {
            response = response.header(name, value);
        }
        Ok(response.body(body.to_vec().into()).expect("a response"))
    }
}
