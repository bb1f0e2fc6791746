//! A backend that forwards a browser's request with its user's token.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::IntoResponse,
};
use http::StatusCode;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use tokenkeeper_tower::{Replay, TokenService};
use tokio::net::TcpListener;
use tower::{Layer as _, ServiceExt as _};

use crate::support::{Api, Place, Scripted, hyper_client, token_layer};

/// A user can name the service in a struct field.
#[derive(Clone)]
struct Backend {
    api: String,
    client: TokenService<Client<HttpConnector, Replay<Body>>>,
}

async fn forward(State(backend): State<Backend>, request: Request) -> impl IntoResponse {
    let request = Request::post(backend.api)
        .body(request.into_body())
        .unwrap();
    match backend.client.oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

#[tokio::test]
async fn a_handler_forwards_a_stream_and_replays_it() {
    let api = Api::start().await;
    api.takes_from(1);
    let backend = Backend {
        api: api.url("/me"),
        client: token_layer(Scripted::new(api.base(), Place::OwnHeader)).layer(hyper_client()),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().fallback(forward).with_state(backend);
    tokio::spawn(axum::serve(listener, router).into_future());

    let browser = hyper_client::<Full<_>>();
    let body = Replay::once(Full::from("from the browser"));
    let response = browser
        .request(Request::post(url).body(body).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(text, "from the browser");
    assert_eq!(api.seen().len(), 2);
}
