//! A goal, what was measured before, and the verdict.

use std::fmt;

/// A line of the table of goals.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) what: String,
    /// What was measured when the goal was set.
    pub(crate) before: &'static str,
    pub(crate) goal: &'static str,
    pub(crate) measured: String,
    pub(crate) reached: bool,
    /// The command that shows it.
    pub(crate) by: &'static str,
}

impl Finding {
    pub(crate) const HEAD: &str = "| what | before | goal | measured | verdict | shown by |\n\
        |---|---|---|---|---|---|";
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            before,
            goal,
            measured,
            by,
            ..
        } = self;
        let verdict = if self.reached {
            "reached"
        } else {
            "**not reached**"
        };
        write!(
            f,
            "| {what} | {before} | {goal} | {measured} | {verdict} | `{by}` |"
        )
    }
}
