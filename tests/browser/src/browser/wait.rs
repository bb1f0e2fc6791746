//! Waiting for what a person would wait for.

use std::time::{Duration, Instant};

use fantoccini::{
    Locator,
    elements::Element,
    error::{CmdError, ErrorStatus},
};

use super::Browser;

/// How long to wait, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(120);

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

    /// Returns the text that the first matching element shows.
    pub async fn text(&self, css: &str) -> String {
        self.until(css, async || {
            let element = self.client.find(Locator::Css(css)).await?;
            element.text().await.map(Some)
        })
        .await
    }

    /// Waits until the page has this heading.
    pub async fn see_heading(&self, heading: &str) {
        self.see("h1", heading).await;
    }

    /// Clicks the first element that matches and can be clicked.
    pub async fn click(&self, css: &str) {
        self.until(css, async || {
            let element = self.client.find(Locator::Css(css)).await?;
            element.click().await.map(Some)
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
            let answer = ask().await;
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
        let address = self.address().await;
        let text = match self.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        format!("{address}:\n{text}")
    }
}

/// Returns whether a command may succeed later: the page is loading, or is being replaced.
fn is_transient(error: &CmdError) -> bool {
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
