//! What the emulator saw.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// What an emulator saw since its start, or since [`reset_counters`](crate::Emulator::reset_counters): a snapshot.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Requests to the authorization endpoint.
    pub authorize_requests: u64,
    /// Requests to the token endpoint, those included that a fault has answered or cut.
    pub token_requests: u64,
    /// The same by the grant type that was asked for; `""` if none was readable.
    pub token_requests_by_grant: BTreeMap<String, u64>,
    /// The same by what became of them: `granted`, the provider's error code, or `fault:` and the fault's name.
    pub token_requests_by_outcome: BTreeMap<String, u64>,
    /// Requests to the vendor's API.
    pub api_calls: u64,
    /// The same by the status they were answered with; 0 if the connection was cut before any answer.
    pub api_calls_by_status: BTreeMap<u16, u64>,
    /// Requests to the revocation endpoint.
    pub revocations: u64,
    /// Requests to the introspection endpoint.
    pub introspections: u64,
    /// Requests to any other path, the login page of [`Fault::LoginRedirect`](crate::Fault::LoginRedirect) among them.
    pub other_requests: u64,
    /// The most clients that waited at once for the answer to one and the same refresh token. More than 1 is a fault of the client.
    pub max_concurrent_presentations: usize,
    /// Each presentation of a refresh token, in order of arrival.
    pub presentations: Vec<Presentation>,
}

impl Counters {
    /// Token requests with the grant type `refresh_token`.
    #[must_use]
    pub fn refreshes(&self) -> u64 {
        self.grants("refresh_token")
    }

    /// Token requests with the grant type `authorization_code`.
    #[must_use]
    pub fn exchanges(&self) -> u64 {
        self.grants("authorization_code")
    }

    /// Token requests with this grant type.
    #[must_use]
    pub fn grants(&self, grant_type: &str) -> u64 {
        self.token_requests_by_grant
            .get(grant_type)
            .copied()
            .unwrap_or(0)
    }

    /// Token requests with this outcome; see [`token_requests_by_outcome`](Self::token_requests_by_outcome).
    #[must_use]
    pub fn outcomes(&self, outcome: &str) -> u64 {
        self.token_requests_by_outcome
            .get(outcome)
            .copied()
            .unwrap_or(0)
    }

    /// API calls that were answered with this status.
    #[must_use]
    pub fn api_status(&self, status: u16) -> u64 {
        self.api_calls_by_status.get(&status).copied().unwrap_or(0)
    }

    /// The presentations of one refresh token, in order.
    pub fn presentations_of(&self, refresh_token: &str) -> impl Iterator<Item = &Presentation> {
        self.presentations
            .iter()
            .filter(move |presentation| presentation.refresh_token == refresh_token)
    }

    /// Presentations that began after an answer to the same token had said what became of it. Any is a fault of the client.
    #[must_use]
    pub fn presented_after_answer(&self) -> usize {
        self.presentations
            .iter()
            .filter(|presentation| presentation.after_answer)
            .count()
    }
}

/// One arrival of a refresh token at the token endpoint.
#[derive(Clone)]
#[non_exhaustive]
pub struct Presentation {
    /// Position among all beginnings and ends of presentations, from 1.
    pub order: u64,
    /// The refresh token as it was sent.
    pub refresh_token: String,
    /// When it arrived, by the emulator's clock.
    pub began: SystemTime,
    /// When the emulator was done with it, by its clock.
    pub ended: Option<SystemTime>,
    /// The position of that among all beginnings and ends.
    pub ended_order: Option<u64>,
    /// When the client went away before the end.
    pub abandoned: Option<SystemTime>,
    /// What became of it.
    pub outcome: Outcome,
    /// How many other presentations of the same token had a client waiting when this one began.
    pub concurrent: usize,
    /// Whether an earlier answer to the same token had said what became of it before this one began.
    pub after_answer: bool,
}

impl Presentation {
    /// Whether a readable answer reached the client (as far as a server can know) that says what became of the token.
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

/// What became of a token request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The emulator is still at it.
    InFlight,
    /// Tokens were issued and the answer was sent whole.
    Granted {
        /// Whether the answer held a refresh token that takes the place of the one presented.
        replaced: bool,
    },
    /// Tokens were issued, but a fault has spoilt the answer or cut the connection.
    GrantedUnanswered {
        /// The fault's name.
        fault: &'static str,
    },
    /// The provider refused.
    Refused {
        /// Its error code.
        error: String,
        /// Whether the refusal means that the refresh token is of no more use.
        dead: bool,
    },
    /// A fault answered, or cut the connection, before the provider looked at the request.
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

/// The counters, as they are kept.
#[derive(Debug, Default)]
pub(crate) struct Log {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counters: Counters,
    order: u64,
    /// Where each token's presentations are.
    by_token: HashMap<String, Vec<usize>>,
    /// Presentations before the last reset, so that a ticket of then is not taken for one of now.
    forgotten: usize,
}

/// A presentation in the log.
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

    /// A refresh token has arrived.
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

    /// A token request is done with.
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

    /// The client has gone away before the answer.
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
