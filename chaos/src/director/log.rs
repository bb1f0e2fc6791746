//! The emulator's log of presentations, each with its sender.

use http::Method;
use tokenkeeper_emulator::{Counters, Outcome};

use super::stage::Stage;
use crate::{
    BoxError,
    judge::{Shown, ShownOutcome},
    said::{Grant, micros},
    worker::{HEADER, presented},
};

/// What the emulator saw.
pub(super) fn presentations(stage: &Stage) -> Result<Vec<Shown>, BoxError> {
    let Counters { presentations, .. } = stage.emulator.counters();
    let requests = stage.emulator.recorded_requests();
    // It notes both in the order of arrival.
    let senders = requests
        .iter()
        .filter(|request| request.method() == Method::POST)
        .filter_map(|request| match presented(request.body()) {
            Some((Grant::Refresh, mark)) => Some((mark, request.headers().get(HEADER))),
            _ => None,
        });
    let senders: Vec<_> = senders.collect();
    if senders.len() != presentations.len() {
        return Err("the emulator's log has another length than its requests".into());
    }
    let mut all = Vec::new();
    for (seen, (mark, header)) in presentations.iter().zip(senders) {
        let header = header.ok_or("a token request that no worker made")?;
        let (worker, send) = header
            .to_str()?
            .split_once('/')
            .ok_or("a token request that no worker made")?;
        all.push(Shown {
            order: seen.order,
            mark,
            worker: worker.to_owned(),
            send: send.parse()?,
            began: micros(seen.began),
            ended: seen.ended.map(micros),
            abandoned: seen.abandoned.is_some(),
            outcome: match seen.outcome {
                Outcome::Granted { .. } | Outcome::GrantedUnanswered { .. } => {
                    ShownOutcome::Granted
                }
                Outcome::Refused { .. } => ShownOutcome::Refused,
                _ => ShownOutcome::Unseen,
            },
            concurrent: seen.concurrent,
            after_answer: seen.after_answer,
        });
    }
    Ok(all)
}
