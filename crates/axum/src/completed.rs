//! Which flows a relay page has answered for.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Flows whose page has had its one try in this process. In another one the provider refuses the code's second use.
#[derive(Debug, Default)]
pub(crate) struct Completed(Mutex<HashMap<String, Instant>>);

impl Completed {
    /// Says whether it is the first try for this flow, and remembers it for as long as the flow is good.
    pub(crate) fn first(&self, flow_id: &str, left: Duration) -> bool {
        let now = Instant::now();
        let mut completed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        completed.retain(|_, until| *until > now);
        completed.insert(flow_id.to_owned(), now + left).is_none()
    }
}
