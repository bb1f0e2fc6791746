//! A Chromium with its own profile.

mod axe;
mod commands;
mod inspect;
mod keys;
mod steps;
mod wait;

use std::{
    env,
    sync::{Mutex, PoisonError},
};

use fantoccini::{Client, ClientBuilder, wd::Capabilities};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

pub use self::steps::Tab;
use self::wait::PATIENCE;
use crate::driver::ChromeDriver;

/// A browser that runs until it is dropped.
pub struct Browser {
    client: Client,
    /// The lines of the console so far.
    console: Mutex<Vec<String>>,
    _driver: ChromeDriver,
}

/// How a browser differs from a desktop's in its default state.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// Pages run no script.
    pub no_script: bool,
    /// A phone, 390 pixels wide.
    pub phone: bool,
    /// The person prefers dark colours.
    pub dark: bool,
}

impl Browser {
    /// Starts a browser.
    pub async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    /// Starts a browser with these settings.
    pub async fn with(settings: Settings) -> Self {
        let shows_browser = env::var_os("TOKENKEEPER_SHOW_BROWSER").is_some();
        let driver = ChromeDriver::start(shows_browser);
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(settings, &driver, shows_browser))
            .connect(driver.url())
            .await
            .unwrap_or_else(|error| panic!("no browser: {error}"));
        Self {
            client,
            console: Mutex::default(),
            _driver: driver,
        }
    }

    /// Closes the browser, and requires that its console shows no error.
    pub async fn quit(self) {
        self.read_console().await;
        let console = self.console.into_inner();
        let console = console.unwrap_or_else(PoisonError::into_inner);
        let errors = console.iter().filter(|line| line.starts_with("SEVERE"));
        // The statuses are those of the pages, and of the icons that providers do not have.
        let status = "the server responded with a status of";
        let errors: Vec<_> = errors.filter(|line| !line.contains(status)).collect();
        assert!(errors.is_empty(), "errors in the console: {errors:#?}");
        self.client.close().await.unwrap();
    }
}

fn capabilities(settings: Settings, driver: &ChromeDriver, shows_browser: bool) -> Capabilities {
    let profile = driver.folder().join("profile");
    let mut arguments = vec![
        format!("--user-data-dir={}", profile.display()),
        // Closes the browser with its driver.
        "--remote-debugging-pipe".to_owned(),
        // The sandbox needs rights that root and containers lack; all pages are ours.
        "--no-sandbox".to_owned(),
        // A container's /dev/shm may be too small.
        "--disable-dev-shm-usage".to_owned(),
        "--disable-gpu".to_owned(),
        // Nothing leaves this machine.
        "--host-resolver-rules=MAP localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
            .to_owned(),
        "--window-size=1280,900".to_owned(),
    ];
    if !shows_browser {
        arguments.push("--headless=new".to_owned());
    }
    if settings.dark {
        arguments.push("--blink-settings=preferredColorScheme=0".to_owned());
    }
    let mut options = json!({ "args": arguments });
    if settings.no_script {
        options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
    }
    if settings.phone {
        let metrics = json!({ "width": 390, "height": 844, "pixelRatio": 3, "mobile": true });
        options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
    }
    let capabilities = json!({
        "browserName": "chrome",
        "goog:chromeOptions": options,
        "goog:loggingPrefs": { "browser": "ALL" },
        // The rules of accessibility are half a megabyte.
        "timeouts": { "script": PATIENCE.as_millis() as u64 },
    });
    match capabilities {
        Value::Object(capabilities) => capabilities,
        _ => unreachable!("an object was written"),
    }
}
