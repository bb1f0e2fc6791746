//! A timeout of the builder, which the engine does not know.

use std::{net::TcpListener, time::Duration};

use http::Request;
use tokenkeeper_engine::{RequestBody, Transport as _, TransportError};
use tokenkeeper_reqwest::ReqwestTransport;

use crate::support::builder;

#[tokio::test]
async fn a_timeout_of_the_builder_counts_as_the_deadline() {
    // The system accepts the connection, and nothing reads the request.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}/token", silent.local_addr().unwrap());
    let builder = || builder().timeout(Duration::from_millis(50));
    let transport = ReqwestTransport::from_builder(builder).unwrap();
    let request = Request::post(uri).body(RequestBody::new("grant_type=refresh_token"));
    let sent = transport
        .send(request.unwrap(), Duration::from_secs(30))
        .await;
    assert!(matches!(sent, Err(TransportError::TimedOut)), "{sent:?}");
}
