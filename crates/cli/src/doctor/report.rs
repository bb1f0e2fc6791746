//! What `doctor` prints.

use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::json;

use crate::{
    BoxError, causes,
    exit::Exit,
    output::{self, printable},
};

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    check: String,
    ok: bool,
    /// What was found; if something is wrong, with the remedy.
    detail: String,
}

/// The checks so far, which are printed one by one.
pub(super) struct Report {
    as_json: bool,
    checks: Vec<Check>,
}

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

impl Report {
    pub(super) fn new(as_json: bool) -> Self {
        let checks = Vec::new();
        Self { as_json, checks }
    }

    /// Adds something that is as it should be.
    pub(super) fn ok(&mut self, check: impl Into<String>, detail: impl Into<String>) {
        self.add(check.into(), true, detail.into());
    }

    /// Adds something that is wrong.
    pub(super) fn problem(&mut self, check: impl Into<String>, detail: impl Into<String>) {
        self.add(check.into(), false, detail.into());
    }

    /// Adds a result, and returns the value if there is one.
    pub(super) fn take<T, E>(
        &mut self,
        check: &str,
        result: Result<T, E>,
        detail: impl FnOnce(&T) -> String,
    ) -> Option<T>
    where
        E: Into<BoxError>,
    {
        match result {
            Ok(value) => {
                let detail = detail(&value);
                self.ok(check, detail);
                Some(value)
            }
            Err(error) => {
                self.problem(check, causes(&*error.into()));
                None
            }
        }
    }

    fn add(&mut self, check: String, ok: bool, detail: String) {
        if !self.as_json {
            let (style, word) = if ok { (GOOD, "ok") } else { (BAD, "problem") };
            let line = format!(
                "{style}{word:<7}{style:#}  {}: {}",
                printable(&check),
                printable(&detail)
            );
            // A reader that is gone, as after `| head`, stops no check.
            let _ = output::line(&line);
        }
        self.checks.push(Check { check, ok, detail });
    }

    /// Prints the object of all checks, and returns the exit status.
    pub(super) fn end(self) -> Result<ExitCode, BoxError> {
        let ok = self.checks.iter().all(|check| check.ok);
        if self.as_json {
            output::json(&json!({ "ok": ok, "checks": self.checks }))?;
        }
        Ok(if ok {
            ExitCode::SUCCESS
        } else {
            Exit::Failed.into()
        })
    }
}
