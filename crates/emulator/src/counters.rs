//! The counters of an emulator, and its log of refresh tokens.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// A snapshot of the requests to an emulator.
///
/// It counts from the start or from [`reset_counters`](crate::Emulator::reset_counters).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Requests to the authorization endpoint.
    pub authorize_requests: u64,
    /// Requests to the token endpoint, including those that a fault answered or cut.
    pub token_requests: u64,
    /// The same by requested grant type; `""` if it was not readable.
    pub token_requests_by_grant: BTreeMap<String, u64>,
    /// The same by outcome: `granted`, the provider's error code, or `fault:` and the fault's
    /// name.
    pub token_requests_by_outcome: BTreeMap<String, u64>,
    /// Requests to the vendor's API.
    pub api_calls: u64,
    /// The same by status; 0 if the connection was cut before any response.
    pub api_calls_by_status: BTreeMap<u16, u64>,
    /// Requests to the revocation endpoint.
    pub revocations: u64,
    /// Requests to the introspection endpoint.
    pub introspections: u64,
    /// Requests to the device authorization endpoint.
    pub device_authorizations: u64,
    /// Requests to other paths, such as the login page of
    /// [`Fault::LoginRedirect`](crate::Fault::LoginRedirect).
    pub other_requests: u64,
    /// The highest number of concurrent requests with the same refresh token.
    ///
    /// More than 1 is a bug of the client.
    pub max_concurrent_presentations: usize,
    /// The presentations of refresh tokens, in order of arrival.
    pub presentations: Vec<Presentation>,
}

impl Counters {
    /// Returns the number of token requests with the grant type `refresh_token`.
    #[must_use]
    pub fn refreshes(&self) -> u64 {
        self.grants("refresh_token")
    }

    /// Returns the number of token requests with the grant type `authorization_code`.
    #[must_use]
    pub fn exchanges(&self) -> u64 {
        self.grants("authorization_code")
    }

    /// Returns the number of polls with a device code.
    #[must_use]
    pub fn polls(&self) -> u64 {
        self.grants("urn:ietf:params:oauth:grant-type:device_code")
    }

    /// Returns the number of token requests with this grant type.
    #[must_use]
    pub fn grants(&self, grant_type: &str) -> u64 {
        self.token_requests_by_grant
            .get(grant_type)
            .copied()
            .unwrap_or(0)
    }

    /// Returns the number of token requests with this outcome.
    ///
    /// See [`token_requests_by_outcome`](Self::token_requests_by_outcome).
    #[must_use]
    pub fn outcomes(&self, outcome: &str) -> u64 {
        self.token_requests_by_outcome
            .get(outcome)
            .copied()
            .unwrap_or(0)
    }

    /// Returns the number of API calls that were answered with this status.
    #[must_use]
    pub fn api_status(&self, status: u16) -> u64 {
        self.api_calls_by_status.get(&status).copied().unwrap_or(0)
    }

    /// Returns the presentations of one refresh token, in order.
    pub fn presentations_of(&self, refresh_token: &str) -> impl Iterator<Item = &Presentation> {
        self.presentations
            .iter()
            .filter(move |presentation| presentation.refresh_token == refresh_token)
    }

    /// Returns the number of presentations after a conclusive response to the same token.
    ///
    /// Any is a bug of the client.
    #[must_use]
    pub fn presented_after_answer(&self) -> usize {
        self.presentations
            .iter()
            .filter(|presentation| presentation.after_answer)
            .count()
    }
}

/// One presentation of a refresh token at the token endpoint.
#[derive(Clone)]
#[non_exhaustive]
pub struct Presentation {
    /// The position among all beginnings and ends of presentations, from 1.
    pub order: u64,
    /// The refresh token, as sent.
    pub refresh_token: String,
    /// The time of its arrival, by the emulator's clock.
    pub began: SystemTime,
    /// The time of the response, by the emulator's clock.
    pub ended: Option<SystemTime>,
    /// The position of the response among all beginnings and ends.
    pub ended_order: Option<u64>,
    /// The time at which the client went away before the response.
    pub abandoned: Option<SystemTime>,
    /// The outcome.
    pub outcome: Outcome,
    /// How many other presentations of the same token were in flight when this one began.
    pub concurrent: usize,
    /// Whether it began after a conclusive response to the same token.
    pub after_answer: bool,
}

impl Presentation {
    /// Returns whether the client got a conclusive response, as far as a server can know.
    ///
    /// It is conclusive if it replaces the token or declares it dead.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.abandoned.is_none()
            && match &self.outcome {
                Outcome::Granted { replaced } => *replaced,
                Outcome::Refused { dead, .. } => *dead,
                _ => false,
            }
    }
}

impl fmt::Debug for Presentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start: String = self.refresh_token.chars().take(14).collect();
        f.debug_struct("Presentation")
            .field("order", &self.order)
            .field("refresh_token", &format_args!("{start}…"))
            .field("ended_order", &self.ended_order)
            .field("abandoned", &self.abandoned.is_some())
            .field("outcome", &self.outcome)
            .field("concurrent", &self.concurrent)
            .field("after_answer", &self.after_answer)
            .finish_non_exhaustive()
    }
}

/// The outcome of a token request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The request is still being processed.
    InFlight,
    /// Tokens were issued and the whole response was sent.
    Granted {
        /// Whether the response held a refresh token that replaces the presented one.
        replaced: bool,
    },
    /// Tokens were issued, but a fault damaged the response or cut the connection.
    GrantedUnanswered {
        /// The fault's name.
        fault: &'static str,
    },
    /// The provider refused the request.
    Refused {
        /// Its error code.
        error: String,
        /// Whether the refusal means that the refresh token is of no more use.
        dead: bool,
    },
    /// A fault answered or cut the connection before the provider processed the request.
    Faulted {
        /// The fault's name.
        fault: &'static str,
    },
}

impl Outcome {
    fn label(&self) -> String {
        match self {
            Self::InFlight => "in-flight".into(),
            Self::Granted { .. } => "granted".into(),
            Self::Refused { error, .. } => error.clone(),
            Self::GrantedUnanswered { fault } | Self::Faulted { fault } => format!("fault:{fault}"),
        }
    }
}

/// The counters of a running emulator.
#[derive(Debug, Default)]
pub(crate) struct Log {
    state: Mutex<State>,
}

/// The state behind the log's lock.
#[derive(Debug, Default)]
struct State {
    counters: Counters,
    order: u64,
    /// The indices of each token's presentations.
    by_token: HashMap<String, Vec<usize>>,
    /// The number of presentations before the last reset, which makes their tickets invalid.
    forgotten: usize,
}

/// The number of a presentation, over all resets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket(usize);

impl Log {
    pub(crate) fn snapshot(&self) -> Counters {
        self.lock().counters.clone()
    }

    pub(crate) fn reset(&self) {
        let mut state = self.lock();
        state.forgotten += state.counters.presentations.len();
        state.counters = Counters::default();
        state.by_token.clear();
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.lock().counters);
    }

    /// Records the arrival of a refresh token.
    pub(crate) fn present(&self, refresh_token: &str, now: SystemTime) -> Ticket {
        let mut state = self.lock();
        state.order += 1;
        let State {
            counters,
            order,
            by_token,
            forgotten,
        } = &mut *state;
        let order = *order;
        let earlier = by_token.entry(refresh_token.to_owned()).or_default();
        let of_token = || earlier.iter().map(|index| &counters.presentations[*index]);
        let waiting = of_token()
            .filter(|p| p.ended.is_none() && p.abandoned.is_none())
            .count();
        let after_answer = of_token().any(Presentation::is_answered);
        earlier.push(counters.presentations.len());
        counters.max_concurrent_presentations =
            counters.max_concurrent_presentations.max(waiting + 1);
        counters.presentations.push(Presentation {
            order,
            refresh_token: refresh_token.to_owned(),
            began: now,
            ended: None,
            ended_order: None,
            abandoned: None,
            outcome: Outcome::InFlight,
            concurrent: waiting,
            after_answer,
        });
        Ticket(*forgotten + counters.presentations.len() - 1)
    }

    /// Records the outcome of a token request.
    pub(crate) fn conclude(&self, ticket: Option<Ticket>, outcome: Outcome, now: SystemTime) {
        let mut state = self.lock();
        *state
            .counters
            .token_requests_by_outcome
            .entry(outcome.label())
            .or_default() += 1;
        state.order += 1;
        let order = state.order;
        if let Some(presentation) = ticket.and_then(|ticket| state.presentation(ticket)) {
            presentation.ended = Some(now);
            presentation.ended_order = Some(order);
            presentation.outcome = outcome;
        }
    }

    /// Records that the client went away before the response.
    pub(crate) fn abandon(&self, ticket: Ticket, now: SystemTime) {
        if let Some(presentation) = self.lock().presentation(ticket)
            && presentation.ended.is_none()
        {
            presentation.abandoned = Some(now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn presentation(&mut self, ticket: Ticket) -> Option<&mut Presentation> {
        let index = ticket.0.checked_sub(self.forgotten)?;
        self.counters.presentations.get_mut(index)
    }
}
