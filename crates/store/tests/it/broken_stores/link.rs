//! A connection within the process, which the rules can cut.

use std::sync::Mutex;

use async_trait::async_trait;
use tokenkeeper_store::conformance::{ConnectionCutter, Cut};

/// The connection between the handles and the entries.
#[derive(Debug, Default)]
pub(super) struct Link(Mutex<(Option<Cut>, usize)>);

#[async_trait]
impl ConnectionCutter for Link {
    async fn cut(&self, cut: Cut) {
        self.0.lock().expect("no panic").0 = Some(cut);
    }

    async fn restore(&self) -> usize {
        std::mem::take(&mut *self.0.lock().expect("no panic")).1
    }
}

impl Link {
    /// The cut that a write meets.
    pub(super) fn meet(&self) -> Option<Cut> {
        let mut state = self.0.lock().expect("no panic");
        let cut = state.0?;
        if cut != Cut::Unreachable {
            state.0 = None;
        }
        state.1 += 1;
        Some(cut)
    }
}
