//! The emulator's log of presentations, each with its sender.

use http::Method;
use tokenkeeper_emulator::{Counters, Outcome};

use super::testbed::Testbed;
use crate::{
    BoxError,
    judge::{Presentation, PresentationOutcome},
    message::{Grant, micros},
    worker::{HEADER, presented},
};

/// Returns the presentations in the emulator's log.
pub(super) fn collect(testbed: &Testbed) -> Result<Vec<Presentation>, BoxError> {
    let Counters { presentations, .. } = testbed.emulator.counters();
    let requests = testbed.emulator.recorded_requests();
    // The emulator logs both in the order of arrival.
    let senders = requests
        .iter()
        .filter(|request| request.method() == Method::POST)
        .filter_map(|request| match presented(request.body()) {
            Some((Grant::Refresh, token)) => Some((token, request.headers().get(HEADER))),
            _ => None,
        });
    let senders: Vec<_> = senders.collect();
    if senders.len() != presentations.len() {
        return Err("the emulator's log has another length than its requests".into());
    }
    let mut all = Vec::new();
    for (seen, (token, header)) in presentations.iter().zip(senders) {
        let header = header.ok_or("a token request that no worker made")?;
        let (worker, send) = header
            .to_str()?
            .split_once('/')
            .ok_or("a token request that no worker made")?;
        all.push(Presentation {
            order: seen.order,
            token,
            worker: worker.to_owned(),
            send: send.parse()?,
            began: micros(seen.began),
            ended: seen.ended.map(micros),
            abandoned: seen.abandoned.is_some(),
            outcome: match seen.outcome {
                Outcome::Granted { .. } | Outcome::GrantedUnanswered { .. } => {
                    PresentationOutcome::Granted
                }
                Outcome::Refused { .. } => PresentationOutcome::Refused,
                _ => PresentationOutcome::Unseen,
            },
            concurrent: seen.concurrent,
            after_answer: seen.after_answer,
        });
    }
    Ok(all)
}
