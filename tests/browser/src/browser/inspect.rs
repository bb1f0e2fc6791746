//! What a page says about itself.

use serde_json::{Value, json};

use super::Browser;

impl Browser {
    /// Returns the address of the page.
    pub async fn address(&self) -> String {
        let url = self
            .until("the address", async || {
                self.client.current_url().await.map(Some)
            })
            .await;
        url.into()
    }

    /// Returns the addresses that the back button of this tab has led to or can lead to.
    pub async fn history(&self) -> Vec<String> {
        let history = self.devtools("Page.getNavigationHistory", json!({})).await;
        let entries = history["entries"].as_array().expect("a history is a list");
        let addresses = entries
            .iter()
            .flat_map(|entry| [&entry["url"], &entry["userTypedURL"]]);
        addresses
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }

    async fn source(&self) -> String {
        self.until("the source", async || self.client.source().await.map(Some))
            .await
    }

    /// Runs a script in the page, which may await, and returns what it returns.
    pub async fn run(&self, script: &str) -> Value {
        self.until("a script", async || {
            self.client.execute(script, Vec::new()).await.map(Some)
        })
        .await
    }

    /// Returns the width of the window, in pixels of style sheets.
    pub async fn width(&self) -> i64 {
        self.run("return window.innerWidth;")
            .await
            .as_i64()
            .unwrap()
    }

    /// Returns how many pixels the page is wider than the window.
    pub async fn overflow(&self) -> i64 {
        let script = "return document.documentElement.scrollWidth - window.innerWidth;";
        self.run(script).await.as_i64().unwrap()
    }

    /// Returns the brightness of the page's background and of its text, from 0 to 255.
    pub async fn brightness(&self) -> (f64, f64) {
        let script = "const style = getComputedStyle(document.body); \
                      return [style.backgroundColor, style.color];";
        let colors = self.run(script).await;
        (brightness(&colors[0]), brightness(&colors[1]))
    }

    /// Returns all texts in which a secret could have reached the page, each with its place.
    pub async fn traces(&self, page: &str) -> Vec<(String, String)> {
        let place = |what: &str| format!("the {what} of {page}");
        let state = self.run(STATE).await;
        let state = state.as_str().unwrap().to_owned();
        let mut traces = vec![
            (place("source"), self.source().await),
            (place("state"), state),
        ];
        for address in self.history().await {
            traces.push((place("history"), address));
        }
        for cookie in self.client.get_all_cookies().await.unwrap() {
            traces.push((place("cookie"), cookie.value().to_owned()));
        }
        for line in self.read_console().await {
            traces.push((place("console"), line));
        }
        traces
    }
}

/// Returns what a script of the page could read.
const STATE: &str = "
return JSON.stringify([
    document.referrer, document.cookie, {...localStorage}, {...sessionStorage}, history.state,
    ...Array.from(document.querySelectorAll('input'), (input) => input.value),
]);";

/// Reads `rgb(1, 2, 3)`.
fn brightness(color: &Value) -> f64 {
    let color = color.as_str().unwrap();
    let numbers = color
        .trim_start_matches(|c: char| !c.is_ascii_digit())
        .trim_end_matches(')');
    let numbers: Vec<f64> = numbers
        .split(", ")
        .map(|number| number.parse().unwrap())
        .collect();
    let weights = [0.2126, 0.7152, 0.0722];
    numbers
        .iter()
        .zip(weights)
        .map(|(number, weight)| number * weight)
        .sum()
}
