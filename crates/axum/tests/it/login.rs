//! A login whose redirect comes back in the query.

use tokenkeeper_axum::Routes;
use tokenkeeper_emulator::Emulator;
use tokenkeeper_engine::protocol::Provider;

use crate::app::{self, Answer, App, Browser};

/// A browser on its way back from the provider.
pub struct Login {
    pub emulator: Emulator,
    pub app: App,
    pub browser: Browser,
    /// The path and query of the callback.
    pub path: String,
}

impl Login {
    /// The person has approved at Amiqus.
    pub async fn approved() -> Self {
        Self::new(app::amiqus().await, "approve=1", |routes| routes).await
    }

    pub async fn new(
        (emulator, provider): (Emulator, impl Provider),
        click: &str,
        set: impl FnOnce(Routes) -> Routes,
    ) -> Self {
        let brand = provider.brand().to_owned();
        let app = App::with_routes(provider, set);
        let mut browser = app.browser();
        let path = callback(&mut browser, &emulator, &brand, click).await;
        Self {
            emulator,
            app,
            browser,
            path,
        }
    }

    /// Follows the redirect to the callback.
    pub async fn finish(&mut self) -> Answer {
        self.browser.get(&self.path).await
    }

    pub fn token_requests(&self) -> u64 {
        self.emulator.counters().token_requests
    }
}

/// Starts a login and clicks at the provider; returns the path and query of the callback.
pub async fn callback(
    browser: &mut Browser,
    emulator: &Emulator,
    brand: &str,
    click: &str,
) -> String {
    let started = browser.post(&format!("/connect/{brand}")).await;
    let (path, _) = app::at_provider(emulator, started.location(), click).await;
    path
}
