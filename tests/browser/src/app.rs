//! The dashboard on its emulators, in this process.

use std::sync::Once;

use bytes::Bytes;
use http::{Request, header::LOCATION};
use tokenkeeper_emulator::{Builder, Emulator, IOfficeOptions};
use tokio::{net::TcpListener, task::AbortHandle};

use crate::{dashboard, log, secrets::Secrets};

/// A provider of the dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brand {
    Amiqus,
    Fortes,
    IOffice,
    Qics,
}

impl Brand {
    pub const ALL: [Self; 4] = [Self::Amiqus, Self::Fortes, Self::IOffice, Self::Qics];

    /// The brand in paths, and the id of the card.
    pub fn id(self) -> &'static str {
        match self {
            Self::Amiqus => "amiqus",
            Self::Fortes => "fortes-milestones",
            Self::IOffice => "ioffice",
            Self::Qics => "qics-milestones",
        }
    }

    /// The name that pages show.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amiqus => "Amiqus",
            Self::Fortes => "Fortes Milestones",
            Self::IOffice => "iOFFICE",
            Self::Qics => "Qics Milestones",
        }
    }
}

/// A dashboard that runs until it is dropped.
pub struct App {
    base: String,
    returns_state: bool,
    emulators: [Emulator; 4],
    server: AbortHandle,
}

impl Drop for App {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl App {
    /// Starts the dashboard and its providers on ports that the system chooses.
    pub async fn start() -> Self {
        Self::with(IOfficeOptions::default(), false).await
    }

    /// Starts them with an iOFFICE that returns the state, so that no login is confirmed.
    pub async fn with_states() -> Self {
        Self::with(IOfficeOptions::default().echo_state(), true).await
    }

    async fn with(ioffice: IOfficeOptions, returns_state: bool) -> Self {
        prepare();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = base(&listener);
        let emulators = [
            run(Emulator::amiqus(), &base, Brand::Amiqus).await,
            run(Emulator::fortes(), &base, Brand::Fortes).await,
            run(Emulator::ioffice().options(ioffice), &base, Brand::IOffice).await,
            run(Emulator::qics(), &base, Brand::Qics).await,
        ];
        let configured = dashboard::providers::configure(&base, emulators.clone());
        let (accounts, providers) = configured.unwrap();
        let router = dashboard::application(&accounts, providers).unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            base,
            returns_state,
            emulators,
            server: server.abort_handle(),
        }
    }

    /// Returns whether the person must confirm a login at this provider, because the redirect has
    /// no state.
    pub fn asks(&self, brand: Brand) -> bool {
        brand == Brand::IOffice && !self.returns_state
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub fn emulator(&self, brand: Brand) -> &Emulator {
        let index = Brand::ALL.iter().position(|known| *known == brand);
        &self.emulators[index.unwrap()]
    }

    /// Approves the request of an authorization page, and returns where the provider redirects the
    /// browser to.
    pub async fn approve(&self, brand: Brand, authorization_page: &str) -> String {
        let page = authorization_page
            .split_once('#')
            .map_or(authorization_page, |(page, _)| page);
        let request = Request::get(format!("{page}&approve=ann%40example.com"));
        let request = request.body(Bytes::new()).unwrap();
        let response = self.emulator(brand).call(request).await.unwrap();
        response.headers()[LOCATION].to_str().unwrap().to_owned()
    }

    /// Returns what no page, history or log may hold: all that the providers received so far.
    pub fn secrets(&self) -> Secrets {
        Secrets::of(self.emulators.iter().flat_map(Emulator::recorded_requests))
    }
}

/// Prepares what all applications of this process share.
pub(crate) fn prepare() {
    static CRYPTO: Once = Once::new();
    CRYPTO.call_once(|| {
        let provider = rustls::crypto::ring::default_provider();
        provider.install_default().unwrap();
    });
    log::start();
}

/// Returns the base of an application. Its site is not that of the providers, which are addresses,
/// so its cookies meet the rules for requests across sites.
pub(crate) fn base(listener: &TcpListener) -> String {
    format!("http://localhost:{}", listener.local_addr().unwrap().port())
}

async fn run<O>(emulator: Builder<O>, base: &str, brand: Brand) -> Emulator {
    let emulator = emulator.record_requests();
    dashboard::providers::run(emulator, base, brand.id())
        .await
        .unwrap()
}
