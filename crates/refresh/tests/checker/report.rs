//! What a search found.

use std::{fmt, time::Duration};

use super::{
    properties::{Breach, Residual},
    world::Event,
};

/// What a search found.
pub(crate) struct Report {
    pub(crate) name: &'static str,
    pub(crate) states: usize,
    pub(crate) transitions: usize,
    pub(crate) depth: usize,
    pub(crate) time: Duration,
    pub(crate) quiet: usize,
    pub(crate) residuals: Vec<(Breach, Residual, usize)>,
    /// The first breach, and what led to it.
    pub(crate) breach: Option<(Breach, Vec<Event>)>,
    pub(crate) complete: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<44} {:>9} states {:>10} transitions {:>8} quiet, depth {:>3}, {:>5.1} s{}",
            self.name,
            self.states,
            self.transitions,
            self.quiet,
            self.depth,
            self.time.as_secs_f64(),
            if self.complete { "" } else { " (not all)" },
        )?;
        for (breach, residual, count) in &self.residuals {
            write!(f, "\n    {breach:?}, as {residual:?}: {count}")?;
        }
        Ok(())
    }
}
