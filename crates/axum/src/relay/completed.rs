//! Which flows a relay page has answered for.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Longer than a browser keeps a flow's cookie.
const KEPT: Duration = Duration::from_secs(15 * 60);

/// Flows whose page has had its one try in this process. In another one the provider refuses the code's second use.
#[derive(Debug, Default)]
pub(crate) struct Completed(Mutex<HashMap<String, Instant>>);

impl Completed {
    /// Says whether it is the first try for this flow, and remembers it.
    pub(crate) fn first(&self, flow_id: &str) -> bool {
        let now = Instant::now();
        let mut completed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        completed.retain(|_, at| now.duration_since(*at) < KEPT);
        completed.insert(flow_id.to_owned(), now).is_none()
    }
}
