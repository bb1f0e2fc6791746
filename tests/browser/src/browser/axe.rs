//! Accessibility, by axe-core.

use std::{env, fs};

use serde_json::Value;

use super::Browser;

/// Runs all rules and returns a line for each element that violates one.
const RUN: &str = r"
const done = arguments[arguments.length - 1];
axe.run(document, { resultTypes: ['violations'] }).then(
    ({ violations }) => done(violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ html }) => `${id}: ${help}: ${html}`))),
    (error) => done([String(error)]),
);";

impl Browser {
    /// Returns the violations that axe-core finds in the page.
    pub async fn violations(&self) -> Vec<String> {
        let path = env::var_os("TOKENKEEPER_AXE");
        let path =
            path.expect("`scripts/test --browser` fetches axe-core and sets TOKENKEEPER_AXE");
        let source = fs::read_to_string(path).unwrap();
        self.client.execute(&source, Vec::new()).await.unwrap();
        let violations = self.client.execute_async(RUN, Vec::new()).await.unwrap();
        let violations = violations
            .as_array()
            .expect("the script returns a list")
            .iter();
        violations
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }
}
