//! Waiting for what a person would wait for.

use std::time::{Duration, Instant};

use fantoccini::{
    Locator,
    elements::Element,
    error::{CmdError, ErrorStatus},
};

use tokio::time::timeout;

use super::Browser;

/// The limit of a wait, on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// The time between two looks.
const PERIOD: Duration = Duration::from_millis(50);

impl Browser {
    /// Waits until an element matches a CSS selector.
    pub async fn find(&self, css: &str) -> Element {
        self.until(css, async || {
            self.client.find(Locator::Css(css)).await.map(Some)
        })
        .await
    }

    /// Waits until the first element that matches shows this text, among others.
    pub async fn see(&self, css: &str, text: &str) {
        let what = format!("“{text}” in {css}");
        self.until(&what, async || {
            let element = self.client.find(Locator::Css(css)).await?;
            let is_shown = element.text().await?.contains(text);
            Ok(is_shown.then_some(()))
        })
        .await;
    }

    /// Waits until the page has this heading.
    pub async fn see_heading(&self, heading: &str) {
        self.see("h1", heading).await;
    }

    /// Clicks the first element that matches and can be clicked.
    pub async fn click(&self, css: &str) {
        self.until(css, async || {
            let element = self.client.find(Locator::Css(css)).await?;
            match element.click().await {
                // The click has led to another page: a second one would be a click there.
                Err(error) if is_aborted(&error) => Ok(Some(())),
                clicked => clicked.map(Some),
            }
        })
        .await;
    }

    /// Returns whether an element matches now.
    pub async fn has(&self, css: &str) -> bool {
        !self
            .client
            .find_all(Locator::Css(css))
            .await
            .unwrap()
            .is_empty()
    }

    /// Asks until there is an answer.
    pub(super) async fn until<T>(
        &self,
        what: &str,
        ask: impl AsyncFn() -> Result<Option<T>, CmdError>,
    ) -> T {
        let start = Instant::now();
        loop {
            let Ok(answer) = timeout(PATIENCE, ask()).await else {
                panic!("{what}: the browser does not answer");
            };
            match answer {
                Ok(Some(answer)) => return answer,
                Err(error) if !is_transient(&error) => panic!("{what}: {error}"),
                answer if start.elapsed() > PATIENCE => {
                    let error = answer.err().map(|error| error.to_string());
                    let error = error.unwrap_or_else(|| "not shown".to_owned());
                    panic!("{what}: {error}, at {}", self.describe().await);
                }
                _ => tokio::time::sleep(PERIOD).await,
            }
        }
    }

    /// Describes the page for a failed test.
    async fn describe(&self) -> String {
        let address = self.client.current_url().await;
        let address = address.map_or_else(|error| error.to_string(), String::from);
        let text = match self.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        format!("{address}:\n{text}")
    }
}

/// Returns whether a command may succeed later: the page is loading, or is being replaced.
fn is_transient(error: &CmdError) -> bool {
    if is_aborted(error) {
        return true;
    }
    let CmdError::Standard(error) = error else {
        return false;
    };
    match error.error {
        ErrorStatus::NoSuchElement
        | ErrorStatus::StaleElementReference
        | ErrorStatus::ElementNotInteractable
        | ErrorStatus::ElementClickIntercepted => true,
        // A stale element too, in the words of the browser.
        ErrorStatus::UnknownError => error.message.contains("does not belong to the document"),
        _ => false,
    }
}

/// Returns whether the page was replaced during a command: ChromeDriver's own kind of error.
fn is_aborted(error: &CmdError) -> bool {
    matches!(error, CmdError::NotW3C(error) if error.to_string().contains("aborted by navigation"))
}
