//! Logins in flight, and the flows whose codes must not be sent again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Attempt, Authorization, Record};
use crate::{
    id::Id,
    instant::{WallMillis, millis},
    mutation::{Mutation, broken},
};

/// A code exchange in flight, or a device code that is polled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Login {
    /// The authorization that the login creates.
    pub authorization: Authorization,
    /// The attempt of its code exchange.
    pub attempt: Attempt,
    /// When its flow ends; 0 in records of versions that did not know.
    #[serde(default)]
    pub ends: WallMillis,
    /// It is a login by device code. A disconnect or a forgotten account ends it, since it waits
    /// for a person's decision for minutes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub device: bool,
}

impl Login {
    /// Returns the flow that led to the login.
    pub(crate) fn flow(&self) -> Flow {
        Flow {
            id: self.authorization.id,
            ends: self.ends,
        }
    }
}

/// The flow of one login, from the redirect to the callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Flow {
    /// Random bits, which are also the id of the authorization that the flow leads to.
    pub id: Id,
    /// When the flow ends, by the wall clock of the process that started it.
    pub ends: WallMillis,
}

impl Flow {
    /// Returns whether the flow can no longer be used anywhere.
    pub(crate) fn is_over(&self, wall: WallMillis) -> bool {
        self.ends.saturating_add(millis(FLOW_MARGIN)) < wall
    }
}

/// How long a used flow is remembered after its end: clocks may differ.
const FLOW_MARGIN: Duration = Duration::from_secs(60 * 60);

impl<T> Record<T> {
    /// Returns whether the code of this flow must not be sent again.
    pub(crate) fn has_used(&self, flow: Id) -> bool {
        self.used_flows.iter().any(|used| used.id == flow)
    }

    /// Remembers that a flow was used. The order in which flows are added makes no difference.
    pub(crate) fn use_flow(&mut self, flow: Flow) {
        if self.has_used(flow.id) {
            return;
        }
        let used = &mut self.used_flows;
        used.push(flow);
        used.sort_unstable_by_key(|flow| (flow.ends, flow.id));
        let excess = used.len().saturating_sub(MAX_FLOWS);
        used.drain(..excess);
    }

    /// Remembers the flow of a login in flight that something newer replaced.
    pub(crate) fn retire(&mut self, login: &Login, wall: WallMillis) {
        let flow = login.flow();
        if !flow.is_over(wall) && !broken(Mutation::ReplacedFlowForgotten) {
            self.use_flow(flow);
        }
    }

    /// Forgets the flows that can no longer be used anywhere.
    pub(crate) fn forget_flows(&mut self, wall: WallMillis) {
        if self.used_flows.iter().any(|flow| flow.is_over(wall)) {
            self.used_flows.retain(|flow| !flow.is_over(wall));
            self.tidy();
        }
    }
}

/// The number of used flows that a record remembers: those that end last.
const MAX_FLOWS: usize = 16;
