//! The faults that a test switches on, per endpoint.

mod fault;
mod gate;
mod inject;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use fault::{Cut, Fault};
pub use gate::Gate;
pub(crate) use inject::{cut_midway, damage, instead};

/// An endpoint of the provider, as faults and counters distinguish them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// The authorization page; also iOFFICE's direct code request.
    Authorize,
    /// The token endpoint, which redeems codes and refresh tokens.
    Token,
    /// The vendor's API.
    Api,
    /// The revocation endpoint.
    Revoke,
    /// The introspection endpoint.
    Introspect,
    /// The device authorization endpoint (RFC 8628).
    DeviceAuthorization,
}

/// The faults that are switched on.
///
/// Each request meets the oldest fault that applies. A fault for a number of requests ends with the
/// last of them.
///
/// ```
/// use bytes::Bytes;
/// use http::Request;
/// use tokenkeeper_emulator::{Emulator, Endpoint, Fault};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let emulator = Emulator::plain().in_process();
/// let call = || emulator.call(Request::get("/api/me").body(Bytes::new()).expect("a request"));
///
/// let fault = Fault::Unavailable { retry_after: Some(2) };
/// emulator.faults().once(Endpoint::Api, fault);
/// assert_eq!(call().await?.status(), 503);
///
/// let gate = emulator.faults().hold(Endpoint::Api);
/// let (answer, ()) = tokio::join!(call(), async {
///     gate.arrived(1).await; // The request waits, and is not processed yet.
///     gate.release();
/// });
/// assert_eq!(answer?.status(), 401);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Faults {
    rules: Mutex<VecDeque<Rule>>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self {
            rules: Mutex::default(),
        }
    }

    /// Switches a fault on until it is [cleared](Self::clear).
    pub fn always(&self, endpoint: Endpoint, fault: Fault) {
        self.add(endpoint, None, Action::Fault(fault));
    }

    /// Switches a fault on for the next `count` requests.
    pub fn next(&self, endpoint: Endpoint, count: usize, fault: Fault) {
        if count > 0 {
            self.add(endpoint, Some(count), Action::Fault(fault));
        }
    }

    /// Switches a fault on for the next request.
    pub fn once(&self, endpoint: Endpoint, fault: Fault) {
        self.next(endpoint, 1, fault);
    }

    /// Makes requests wait before they are processed, until the gate is released or dropped.
    pub fn hold(&self, endpoint: Endpoint) -> Gate {
        let gate = Gate::new();
        self.add(endpoint, None, Action::Hold(gate.state()));
        gate
    }

    /// Makes requests wait after they are processed, until the gate is released or dropped.
    pub fn hold_answers(&self, endpoint: Endpoint) -> Gate {
        let gate = Gate::new();
        self.add(endpoint, None, Action::HoldAnswer(gate.state()));
        gate
    }

    /// Switches off all faults of an endpoint, except gates, which must be released.
    pub fn clear(&self, endpoint: Endpoint) {
        self.lock()
            .retain(|rule| rule.endpoint != endpoint || rule.action.is_gate());
    }

    /// Switches off all faults of all endpoints, except gates, which must be released.
    pub fn clear_all(&self) {
        self.lock().retain(|rule| rule.action.is_gate());
    }

    /// Takes the faults for the next request to `endpoint`.
    pub(crate) fn plan(&self, endpoint: Endpoint) -> Plan {
        let mut plan = Plan::default();
        let mut rules = self.lock();
        rules.retain(|rule| !rule.action.is_open());
        for rule in rules.iter_mut().filter(|rule| rule.endpoint == endpoint) {
            let slot = match &rule.action {
                Action::Fault(fault) if !fault.waits() => &mut plan.fault,
                Action::Fault(_) | Action::Hold(_) | Action::HoldAnswer(_) => &mut plan.wait,
            };
            if slot.is_none() {
                *slot = Some(rule.action.clone());
                rule.left = rule.left.map(|left| left - 1);
            }
        }
        rules.retain(|rule| rule.left != Some(0));
        plan
    }

    fn add(&self, endpoint: Endpoint, left: Option<usize>, action: Action) {
        self.lock().push_back(Rule {
            endpoint,
            left,
            action,
        });
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fault or a gate that is switched on.
#[derive(Debug)]
struct Rule {
    endpoint: Endpoint,
    /// The number of requests left; `None` means all.
    left: Option<usize>,
    action: Action,
}

/// The effect of a rule.
#[derive(Debug, Clone)]
enum Action {
    Fault(Fault),
    Hold(gate::GateState),
    HoldAnswer(gate::GateState),
}

impl Action {
    fn is_gate(&self) -> bool {
        !matches!(self, Self::Fault(_))
    }

    fn is_open(&self) -> bool {
        matches!(self, Self::Hold(gate) | Self::HoldAnswer(gate) if gate.is_open())
    }
}

/// The faults of one request: at most one that waits, and one other.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    wait: Option<Action>,
    fault: Option<Action>,
}

impl Plan {
    pub(crate) fn fault(&self) -> Option<&Fault> {
        match &self.fault {
            Some(Action::Fault(fault)) => Some(fault),
            _ => None,
        }
    }

    pub(crate) async fn before(&self) {
        match &self.wait {
            Some(Action::Fault(Fault::Delay(delay))) => tokio::time::sleep(*delay).await,
            Some(Action::Hold(gate)) => gate.pass().await,
            _ => {}
        }
    }

    pub(crate) async fn after(&self) {
        match &self.wait {
            Some(Action::Fault(Fault::DelayAnswer(delay))) => tokio::time::sleep(*delay).await,
            Some(Action::HoldAnswer(gate)) => gate.pass().await,
            _ => {}
        }
    }
}
