//! What responses of the API say of a token, and what callers do about a rejected one.

use std::sync::{Arc, atomic::Ordering};

use http::{HeaderMap, StatusCode};
use tokenkeeper_protocol::{Provider, Verdict};

use super::{
    Core, Slot,
    flight::{Flight, after},
    keep::{Purpose, failed, take_off},
};
use crate::{
    Error, EventKind,
    source::{Credential, Stamp},
};

impl Slot {
    /// A token to replay with after the API rejected `rejected`. Cancel safe.
    pub(crate) async fn replace(
        self: &Arc<Self>,
        core: &Arc<Core>,
        rejected: Stamp,
    ) -> Result<Option<Credential>, Error> {
        let until = after(core.options.wait);
        for _ in 0..4 {
            let flight = match self.start_replacing(core, rejected) {
                Replacing::Current => return self.token(core, true).await.map(Some),
                Replacing::HeldOff => return Ok(None),
                Replacing::Failed(error) => return give_up(error),
                Replacing::Flight(flight) => flight,
            };
            match flight.wait(until).await {
                Some(Ok(())) => {}
                Some(Err(error)) if flight.refreshes => return give_up(error),
                Some(Err(_)) => {}
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Starts the refresh that a rejection calls for, if it does.
    pub(crate) fn start_replacing(
        self: &Arc<Self>,
        core: &Arc<Core>,
        rejected: Stamp,
    ) -> Replacing {
        let now = core.time.ticks();
        let mut inner = self.lock();
        if let Some(flight) = inner.in_air() {
            return Replacing::Flight(flight);
        }
        if inner.known.is_none() {
            // Dropped from memory while the request was under way.
            return match take_off(core, self, &mut inner, Purpose::Validate) {
                Ok(flight) => Replacing::Flight(flight),
                Err(error) => Replacing::Failed(error),
            };
        }
        // Late rejections come by the hundred: they need no whole record.
        if inner.stamp().is_some_and(|stamp| stamp != rejected) {
            return Replacing::Current;
        }
        let Some(live) = inner.live() else {
            return Replacing::Failed(self.without_tokens(&inner));
        };
        let held_off = inner.rejections().and_then(|r| r.held_off_until);
        if held_off.is_some_and(|until| now < until) {
            return Replacing::HeldOff;
        }
        if let Some(failure) = live.obstacle(&self.home.rules, core.time.wall()) {
            return Replacing::Failed(failed(core, self, failure, None));
        }
        if inner.is_busy() {
            return Replacing::HeldOff;
        }
        let purpose = Purpose::Refresh {
            wanted: Some(rejected),
            rejected: true,
        };
        match take_off(core, self, &mut inner, purpose) {
            Ok(flight) => Replacing::Flight(flight),
            Err(error) => Replacing::Failed(error),
        }
    }

    /// Whether there is nothing to learn from a response with this status: it is no failure, and no token is on trial.
    #[inline]
    pub(crate) fn is_content(&self, status: StatusCode) -> bool {
        !is_failure(status) && !self.on_trial.load(Ordering::Acquire)
    }

    /// What a response says, and what follows from it for the token that was sent.
    pub(crate) fn read_response(
        self: &Arc<Self>,
        core: &Arc<Core>,
        sent: Stamp,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Verdict {
        let verdict = if is_failure(status) {
            self.home.provider.read_resource(status, headers)
        } else {
            Verdict::Accepted
        };
        match &verdict {
            Verdict::Rejected => self.rejected_again(core, sent),
            Verdict::RateLimited { retry_after } => core.emit(
                self,
                EventKind::RateLimited {
                    retry_after: *retry_after,
                },
            ),
            _ if self.on_trial.load(Ordering::Acquire) => self.accepted(sent),
            _ => {}
        }
        verdict
    }

    /// A token that a rejection brought is on trial until a response accepts it.
    pub(crate) fn put_on_trial(&self, stamp: Option<Stamp>) {
        let mut inner = self.lock();
        let rejections = inner.rare().rejections.get_or_insert_default();
        rejections.trial = stamp;
        rejections.held_off_until = None;
        self.on_trial.store(stamp.is_some(), Ordering::Release);
    }

    /// What was learnt from rejections no longer holds.
    pub(crate) fn end_trial(&self) {
        let mut inner = self.lock();
        inner.over(|rare| rare.rejections = None);
        self.on_trial.store(false, Ordering::Release);
    }

    /// The token on trial, or one that came after it, was accepted.
    fn accepted(&self, sent: Stamp) {
        let inner = self.lock();
        let trial = inner.rejections().and_then(|r| r.trial);
        drop(inner);
        if trial.is_some_and(|trial| sent >= trial) {
            self.end_trial();
        }
    }

    /// A rejection of a token on trial holds further refreshes off: it is not the token that is wrong.
    fn rejected_again(self: &Arc<Self>, core: &Arc<Core>, sent: Stamp) {
        let options = &core.options;
        let mut inner = self.lock();
        let Some(rejections) = inner.rejections_mut() else {
            return;
        };
        if rejections.trial != Some(sent) || rejections.held_off_until.is_some() {
            return;
        }
        let wait = (rejections.wait * 2).clamp(options.rejection_first, options.rejection_most);
        rejections.wait = wait;
        rejections.held_off_until = Some(core.time.ticks().after(wait));
        drop(inner);
        core.emit(self, EventKind::RejectionsHeldOff { wait });
    }
}

/// What is none refuses no token, whatever the provider would say of it.
#[inline]
fn is_failure(status: StatusCode) -> bool {
    status.as_u16() >= 400
}

/// What a rejection leads to.
pub(crate) enum Replacing {
    /// The rejected token was an old one.
    Current,
    HeldOff,
    Failed(Error),
    Flight(Arc<Flight>),
}

/// Only what the person or the operator has to know replaces the API's own response.
fn give_up(error: Error) -> Result<Option<Credential>, Error> {
    match error {
        Error::ReauthorizationRequired { .. }
        | Error::Disconnected { .. }
        | Error::NotConnected { .. } => Err(error),
        _ => Ok(None),
    }
}
