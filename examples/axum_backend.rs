//! An axum backend: each user connects an account, and the backend calls the API for the user who
//! is signed in.
//!
//! ```sh
//! cargo run --example axum_backend
//! ```

use std::collections::BTreeMap;

use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokenkeeper::{
    Accounts, Advice, Error, MemoryStore,
    axum::Routes,
    protocol::Registration,
    providers::Amiqus,
    tower::{HyperTransport, Replay, TokenLayer, TokenService},
};
use tokenkeeper_emulator::{Emulator, Endpoint, RegisteredClient, User};
use tower::{ServiceBuilder, ServiceExt as _};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// State shared by all handlers. The client is a plain type that a field can name.
#[derive(Clone)]
struct Backend {
    accounts: Accounts,
    client: TokenService<Client<HttpConnector, Replay<Empty<Bytes>>>>,
    api: String,
}

/// The user who is signed in.
#[derive(Clone)]
struct SignedIn(String);

/// The application: tokenkeeper's routes and one page.
fn application(backend: Backend) -> Result<Router, BoxError> {
    let signed_in = |parts: &Parts| Some(parts.extensions.get::<SignedIn>()?.0.clone());
    let routes = Routes::new(&backend.accounts, signed_in).on_connected("/me");
    Ok(Router::new()
        .route("/me", get(me))
        .with_state(backend)
        // POST /connect/amiqus, GET /oauth/amiqus (the redirect URI), POST /disconnect/amiqus
        .merge(routes.router()?)
        .layer(from_fn(session)))
}

/// `GET /me`: calls the API with the user's own token.
async fn me(State(backend): State<Backend>, Extension(user): Extension<SignedIn>) -> Response {
    match call(&backend, &user).await {
        Ok(response) => response,
        // The error of the layer, through all wrappers.
        Err(error) => match Error::find(&*error).map(Error::advice) {
            Some(Advice::Reauthorize { .. }) => {
                (StatusCode::CONFLICT, "connect first").into_response()
            }
            Some(Advice::Retry { .. }) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            _ => StatusCode::BAD_GATEWAY.into_response(),
        },
    }
}

async fn call(backend: &Backend, user: &SignedIn) -> Result<Response, BoxError> {
    let account = backend.accounts.account("amiqus", &user.0)?;
    let mut request = Request::get(&backend.api).body(Empty::new())?;
    // The layer attaches the token of this account.
    request.extensions_mut().insert(account);
    Ok(backend
        .client
        .clone()
        .oneshot(request)
        .await?
        .map(Body::new))
}

/// Stands in for your session middleware, which would check a signature.
async fn session(mut request: Request, next: Next) -> Response {
    let cookies = request.headers().get_all(header::COOKIE).iter();
    let mut cookies = cookies.filter_map(|cookie| cookie.to_str().ok()?.strip_prefix("user="));
    match cookies.next().map(str::to_owned) {
        Some(user) => {
            request.extensions_mut().insert(SignedIn(user));
            next.run(request).await
        }
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let crypto = rustls::crypto::ring::default_provider();
    crypto
        .install_default()
        .expect("nothing was installed before");

    // The redirect URI holds the backend's address, and the provider must know it.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let own = format!("http://{}", listener.local_addr()?);
    let redirect_uri = format!("{own}/oauth/amiqus");
    let client = RegisteredClient::new("backend")
        .secret("s3cr3t")
        .redirect_uri(&redirect_uri);
    let emulator = Emulator::amiqus().client(client);
    let emulator = emulator
        .user(User::new("ann@example.com"))
        .user(User::new("bob@example.com"));
    let emulator = emulator.start().await?;

    let registration = Registration::new("backend", &redirect_uri).secret("s3cr3t");
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(Amiqus::new(registration)?.base(emulator.base())?)
        .transport(HyperTransport::new()?)
        .build()?;
    let client = ServiceBuilder::new()
        .layer(TokenLayer::per_request(&accounts))
        .service(Client::builder(TokioExecutor::new()).build_http());
    let api = emulator.url(Endpoint::Api).expect("Amiqus has an API");
    let backend = application(Backend {
        accounts: accounts.clone(),
        client,
        api,
    })?;
    tokio::spawn(axum::serve(listener, backend).into_future());

    // Two people, each with a browser.
    for (user, login) in [("ann", "ann@example.com"), ("bob", "bob@example.com")] {
        let mut browser = Browser::signed_in_as(user);
        let page = browser.go(Method::GET, &format!("{own}/me"), &own).await?;
        assert_eq!(
            (page.status, &*page.body),
            (StatusCode::CONFLICT, "connect first")
        );

        // The form's button leads to the provider, the click there (`approve=` in the emulator)
        // back to the backend, and the backend redirects to `/me`.
        let there = browser
            .go(Method::POST, &format!("{own}/connect/amiqus"), &own)
            .await?
            .location;
        let back = browser
            .go(Method::GET, &format!("{there}&approve={login}"), &own)
            .await?
            .location;
        assert!(back.starts_with(&redirect_uri));
        let home = browser.go(Method::GET, &back, &own).await?.location;
        let page = browser
            .go(Method::GET, &format!("{own}{home}"), &own)
            .await?;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains(login));
        println!("{user}: {}", page.body);
    }
    accounts.shutdown(std::time::Duration::from_secs(5)).await?;
    Ok(())
}

/// A browser: keeps cookies, sends them back, and names the origin of a form.
struct Browser {
    client: Client<HttpConnector, Empty<Bytes>>,
    cookies: BTreeMap<String, String>,
}

struct Page {
    status: StatusCode,
    location: String,
    body: String,
}

impl Browser {
    fn signed_in_as(user: &str) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            cookies: BTreeMap::from([("user".to_owned(), user.to_owned())]),
        }
    }

    async fn go(&mut self, method: Method, url: &str, from: &str) -> Result<Page, BoxError> {
        let mut request = Request::builder().method(&method).uri(url);
        if method == Method::POST {
            request = request.header(header::ORIGIN, from);
        }
        // The backend's cookies do not go to the provider.
        for (name, value) in self.cookies.iter().filter(|_| url.starts_with(from)) {
            request = request.header(header::COOKIE, format!("{name}={value}"));
        }
        let (head, body) = self
            .client
            .request(request.body(Empty::new())?)
            .await?
            .into_parts();
        self.keep(&head.headers);
        let location = head
            .headers
            .get(header::LOCATION)
            .map(|location| location.to_str());
        Ok(Page {
            status: head.status,
            location: location.transpose()?.unwrap_or_default().to_owned(),
            body: String::from_utf8(body.collect().await?.to_bytes().into())?,
        })
    }

    fn keep(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap_or_default().split(';').next();
            if let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
