//! A dashboard: a person connects accounts at four providers, sees how they are, calls their APIs
//! and disconnects them. The providers are emulators, so nothing leaves this machine.
//!
//! ```sh
//! cargo run --example dashboard --features full
//! ```
//!
//! It prints its address. A port can be given as an argument; by default the system chooses one.
//! The page is rendered on the server and has no script. `--check` opens it once and ends.

mod activity;
mod cards;
mod page;
pub(crate) mod providers;
mod session;

use axum::{
    Extension, Router,
    body::Body,
    extract::{FromRef, State},
    http::Request,
    middleware::from_fn,
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokenkeeper::{
    Account, Accounts,
    axum::{ConnectRejection, ConnectedAccount, Routes},
    store::ErrorChain,
    tower::{Replay, TokenLayer, TokenService},
};
use tokenkeeper_emulator::Endpoint;
use tower::{ServiceBuilder, ServiceExt as _};

use self::{activity::Activity, providers::Provider, session::SignedIn};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What all handlers share.
#[derive(Clone)]
struct Dashboard {
    accounts: Accounts,
    routes: Routes,
    providers: std::sync::Arc<[Provider]>,
    activity: Activity,
    /// A client whose requests carry the token of the account in their extensions.
    client: TokenService<Client<HttpConnector, Replay<Empty<Bytes>>>>,
}

/// The extractor [`ConnectedAccount`] finds the routes in the state.
impl FromRef<Dashboard> for Routes {
    fn from_ref(dashboard: &Dashboard) -> Self {
        dashboard.routes.clone()
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let crypto = rustls::crypto::ring::default_provider();
    crypto
        .install_default()
        .expect("nothing was installed before");

    let argument = std::env::args().nth(1);
    let checks = argument.as_deref() == Some("--check");
    let port = argument.filter(|_| !checks).map(|port| port.parse());
    let port: u16 = port.transpose()?.unwrap_or(0);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let own = format!("http://{}", listener.local_addr()?);
    let emulators = providers::start(&own).await?;
    let (accounts, providers) = providers::configure(&own, emulators)?;
    let app = application(&accounts, providers)?;

    println!("The dashboard is at {own}");
    if checks {
        check(app).await?;
    } else {
        axum::serve(listener, app)
            .with_graceful_shutdown(async {
                let _ = tokio::signal::ctrl_c().await;
            })
            .await?;
    }
    accounts.shutdown(std::time::Duration::from_secs(5)).await?;
    Ok(())
}

/// The routes of the dashboard.
pub(crate) fn application(
    accounts: &Accounts,
    providers: Vec<Provider>,
) -> Result<Router, BoxError> {
    let activity = Activity::watch(accounts);
    let client = ServiceBuilder::new()
        .layer(TokenLayer::per_request(accounts))
        .service(Client::builder(TokioExecutor::new()).build_http());
    let mut routes = Routes::new(accounts, |parts| {
        Some(parts.extensions.get::<SignedIn>()?.0.clone())
    })
    .account_names(session::subject);
    for provider in &providers {
        routes = routes.display_name(provider.brand, provider.name);
    }
    let dashboard = Dashboard {
        accounts: accounts.clone(),
        routes: routes.clone(),
        providers: providers.into(),
        activity,
        client,
    };
    // Who is connected is asked once, after the login.
    let asking = dashboard.clone();
    let routes = routes.after_connect(move |login| {
        let dashboard = asking.clone();
        async move {
            // The login may be another person's than the one it replaces.
            dashboard.activity.forget(&login.account);
            let _ = dashboard.call(&login.account).await;
        }
    });
    Ok(Router::new()
        .route("/", get(overview))
        .route("/call/{provider}", get(call))
        .route("/refresh/{provider}", post(refresh))
        .with_state(dashboard)
        // GET and POST /connect/{provider}, GET /oauth/{provider}, POST /disconnect/{provider}
        .merge(routes.router()?)
        .layer(from_fn(session::visitor)))
}

/// Opens the page once, in process.
async fn check(app: Router) -> Result<(), BoxError> {
    let response = app.oneshot(Request::get("/").body(Body::empty())?).await?;
    let page = response.into_body().collect().await?.to_bytes();
    let page = String::from_utf8(page.into())?;
    for provider in ["amiqus", "fortes-milestones", "ioffice", "qics-milestones"] {
        let form = format!("action=\"/connect/{provider}\"");
        assert!(page.contains(&form), "no card of {provider} in {page}");
    }
    println!("Its page has the cards of four providers");
    Ok(())
}

/// `GET /`: all cards.
async fn overview(
    State(dashboard): State<Dashboard>,
    Extension(person): Extension<SignedIn>,
) -> Response {
    page::respond(&cards::all(&dashboard, &person, None).await)
}

/// `GET /call/{provider}`: calls the API, and shows what it says in the provider's card. A person
/// without the account is led to the page that connects it, and back here.
async fn call(
    State(dashboard): State<Dashboard>,
    Extension(person): Extension<SignedIn>,
    account: ConnectedAccount,
) -> Response {
    let said = match dashboard.call(&account).await {
        Ok(said) => said,
        Err(error) => format!("The call failed: {}", ErrorChain::of(&*error)),
    };
    page::respond(&cards::all(&dashboard, &person, Some((&account, said))).await)
}

/// `POST /refresh/{provider}`: refreshes the token ahead of its time.
async fn refresh(
    State(dashboard): State<Dashboard>,
    Extension(person): Extension<SignedIn>,
    account: Result<ConnectedAccount, ConnectRejection>,
) -> Response {
    // The page says what there is to refresh.
    let Ok(account) = account else {
        return Redirect::to("/").into_response();
    };
    match account.refresh().await {
        Ok(_) => Redirect::to("/").into_response(),
        Err(error) => {
            let said = format!("The refresh failed: {}", ErrorChain::of(&error));
            page::respond(&cards::all(&dashboard, &person, Some((&account, said))).await)
        }
    }
}

/// The limit for what a card shows of an API's response.
const MAX_BODY: usize = 64 * 1024;

impl Dashboard {
    /// Returns one of the person's accounts at a provider: the first, or the one with this name.
    fn account(&self, brand: &str, person: &SignedIn, name: Option<&str>) -> Option<Account> {
        let subject = match name {
            None => person.0.clone(),
            Some(name) => session::subject(&person.0, name)?,
        };
        self.accounts.account(brand, &subject).ok()
    }

    /// Calls the account's API. Returns the status and the body.
    async fn call(&self, account: &Account) -> Result<String, BoxError> {
        let mut providers = self.providers.iter();
        let provider = providers.find(|provider| provider.brand == account.provider());
        let api = provider.and_then(|provider| provider.emulator.url(Endpoint::Api));
        let mut request = Request::get(api.ok_or("no such API")?).body(Empty::new())?;
        request.extensions_mut().insert(account.clone());
        let (head, body) = self.client.clone().oneshot(request).await?.into_parts();
        let body = Limited::new(Body::new(body), MAX_BODY).collect().await?;
        let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        self.activity.learn_name(account, &body);
        Ok(format!("{}\n{body}", head.status))
    }
}
