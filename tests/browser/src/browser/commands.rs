//! The commands of ChromeDriver that the standard lacks.

use fantoccini::wd::WebDriverCompatibleCommand;
use http::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

use super::Browser;

/// A command of ChromeDriver.
#[derive(Debug)]
struct Command {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Command {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/{}", self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

impl Browser {
    /// Sends a command of the Chrome DevTools Protocol.
    pub(super) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.send("goog/cdp/execute", body).await
    }

    /// Reads the lines of the console since the last call, each with its level in front, and keeps
    /// them for the end of the test.
    pub(super) async fn read_console(&self) -> Vec<String> {
        let lines = self.send("se/log", json!({ "type": "browser" })).await;
        let lines = lines.as_array().expect("a log is a list").iter();
        let lines: Vec<_> = lines
            .map(|line| format!("{} {}", line["level"], line["message"]).replace('"', ""))
            .collect();
        let mut console = self.console.lock().unwrap();
        console.extend_from_slice(&lines);
        lines
    }

    async fn send(&self, path: &'static str, body: Value) -> Value {
        self.until(path, async || {
            let body = body.clone();
            let command = Command { path, body };
            self.client.issue_cmd(command).await.map(Some)
        })
        .await
    }
}
