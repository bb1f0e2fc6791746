//! The result of a search.

use std::{fmt, time::Duration};

use super::{
    properties::{Residual, Violation},
    world::Event,
};

/// The result of a search.
pub(crate) struct Report {
    pub(crate) name: &'static str,
    pub(crate) states: usize,
    pub(crate) transitions: usize,
    pub(crate) depth: usize,
    pub(crate) time: Duration,
    pub(crate) quiescent: usize,
    pub(crate) residuals: Vec<(Violation, Residual, usize)>,
    /// The first violation, and the events that led to it.
    pub(crate) violation: Option<(Violation, Vec<Event>)>,
    pub(crate) complete: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<44} {:>9} states {:>10} transitions {:>8} quiescent, depth {:>3}, {:>5.1} s{}",
            self.name,
            self.states,
            self.transitions,
            self.quiescent,
            self.depth,
            self.time.as_secs_f64(),
            if self.complete { "" } else { " (not all)" },
        )?;
        for (violation, residual, count) in &self.residuals {
            write!(f, "\n    {violation:?}, as {residual:?}: {count}")?;
        }
        Ok(())
    }
}
