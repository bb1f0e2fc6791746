//! An application of one provider, whose redirects have their answer in the query and no state.

use axum::{
    Router,
    extract::State,
    response::{Html, IntoResponse},
    routing::get,
};
use maud::html;
use tokenkeeper::{
    Account, Accounts, MemoryStore, Status,
    axum::Routes,
    protocol::{Dialect, Registration, StateEcho},
    tower::HyperTransport,
};
use tokenkeeper_emulator::{Emulator, PlainOptions, RegisteredClient};
use tokenkeeper_pages::{Mark, document};
use tokio::{net::TcpListener, task::AbortHandle};

use crate::{
    app::{base, prepare},
    secrets::Secrets,
};

/// An application that runs until it is dropped. All its visitors are one person.
pub struct Acme {
    base: String,
    pub emulator: Emulator,
    server: AbortHandle,
}

impl Drop for Acme {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Acme {
    /// Starts the application and its provider on ports that the system chooses.
    pub async fn start() -> Self {
        prepare();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = base(&listener);
        let redirect_uri = format!("{base}/oauth/acme");
        let client = RegisteredClient::new("app").secret("app-secret");
        let emulator = Emulator::plain()
            .client(client.redirect_uri(redirect_uri.as_str()))
            // The application does not know this name, so the state does not come back.
            .options(PlainOptions::default().redirect_name("state", "context"))
            .record_requests()
            .start()
            .await
            .unwrap();

        let mut dialect = Dialect::rfc6749("acme", emulator.base()).unwrap();
        dialect.authorization.state_echo = StateEcho::Unknown;
        let registration = Registration::new("app", redirect_uri).secret("app-secret");
        let accounts = Accounts::builder(MemoryStore::new())
            .provider(dialect.with(registration).unwrap())
            .transport(HyperTransport::new().unwrap())
            .build()
            .unwrap();
        let account = accounts.account("acme", "ann").unwrap();
        let routes = Routes::new(&accounts, |_| Some("ann".to_owned()));
        let router = Router::new().route("/", get(overview)).with_state(account);
        let router = router.merge(routes.display_name("acme", "Acme").router().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            base,
            emulator,
            server: server.abort_handle(),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Returns what no page, history or log may hold: all that the provider received so far.
    pub fn secrets(&self) -> Secrets {
        Secrets::of(self.emulator.recorded_requests().into_iter())
    }
}

async fn overview(State(account): State<Account>) -> impl IntoResponse {
    let title = match account.status().await.unwrap() {
        Status::Connected(_) => "Acme is connected",
        _ => "Acme is not connected",
    };
    let page = document(
        Mark::Done,
        title,
        html! { p { "This is the application." } },
    );
    Html(page.into_string())
}
