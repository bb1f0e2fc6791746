//! The rule for repeated presentations of a refresh token.

use super::{Evidence, Presentation, Span, facts::TokenRequest, index::Index};
use crate::{
    config::LEASE,
    message::{Micros, PutOutcome, WorkerEvent},
};

/// The tolerance between two processes' readings of one clock, and between a reading and its event.
const SLACK: Micros = 20_000;

/// A write that takes longer than this was delayed.
const SLOW: Micros = 250_000;

/// Returns why a repeated presentation was within the rule, or why not.
pub(super) fn justify(
    evidence: &Evidence,
    index: &Index,
    earlier: &Presentation,
    later: &Presentation,
) -> Result<String, String> {
    let (Some(first), Some(second)) = (request(index, earlier), request(index, later)) else {
        return Err("a presentation that no worker reported".into());
    };
    let Some(claimed) = second.claimed else {
        return Err("presented without a written attempt".into());
    };
    if earlier.worker == later.worker {
        return match first.answer {
            Some(answer) if answer.at <= second.at && !answer.decides() => {
                Ok("the first came back undecided".into())
            }
            Some(answer) if answer.at <= second.at => {
                Err("presented again by the process that had the answer".into())
            }
            _ => Err("presented again by a process that still waited for the answer".into()),
        };
    }
    if let Some(answer) = first.answer
        && !answer.decides()
        && answer.at <= claimed + SLACK
    {
        return Ok("the first came back undecided".into());
    }
    let Some(began) = first.claimed else {
        return Err("the first was presented without a written attempt".into());
    };
    if claimed < began {
        return woke_late(evidence, second, later, claimed, began);
    }
    if claimed + SLACK < began + micros(LEASE) {
        return Err("presented again while the lease of the first ran".into());
    }
    let next = index.successors.get(&earlier.token);
    if let Some(written) = next.and_then(|next| index.written(*next))
        && written < claimed
    {
        return Err("presented again when the store had the new tokens".into());
    }
    if let Some(marked_dead) = index.marked_dead(earlier.token)
        && marked_dead < claimed
    {
        return Err("presented again when the store had the refusal".into());
    }
    let lease = Span {
        from: began,
        to: claimed,
    };
    delay_cause(evidence, index, first, lease)
        .map(|why| format!("the lease ran out: {why}"))
        .ok_or_else(|| "the lease ran out on a holder that was not delayed".into())
}

fn request<'a>(index: &'a Index, presentation: &Presentation) -> Option<&'a TokenRequest> {
    let request = index
        .requests
        .get(&(presentation.worker.clone(), presentation.send))?;
    (request.token == presentation.token).then_some(request)
}

/// Judges a holder that was stopped between its last look at the clock and its request.
///
/// Another process claimed the token after the lease, and presented it first. Only fencing at the
/// provider could prevent this.
fn woke_late(
    evidence: &Evidence,
    sleeper: &TokenRequest,
    presentation: &Presentation,
    claimed: Micros,
    others: Micros,
) -> Result<String, String> {
    if others + SLACK < claimed + micros(LEASE) {
        return Err("the other process claimed it while its lease ran".into());
    }
    let span = Span {
        from: claimed,
        to: presentation.began,
    };
    let log = evidence.workers.get(&sleeper.worker);
    log.filter(|log| log.stopped(span) > 0 || stalled(log, span))
        .map(|_| "stopped between its last look at the clock and its request".into())
        .ok_or_else(|| "sent after its lease by a process that was not stopped".into())
}

/// Returns why a holder did not write the outcome within `lease`.
pub(super) fn delay_cause(
    evidence: &Evidence,
    index: &Index,
    holder: &TokenRequest,
    lease: Span,
) -> Option<String> {
    let log = evidence.workers.get(&holder.worker)?;
    if log.killed.is_some_and(|killed| killed < lease.to) {
        return Some("its holder was killed".into());
    }
    if log.stops.iter().any(|stop| stop.overlaps(lease)) {
        return Some("its holder was stopped".into());
    }
    let befell = |disturbance: &&super::Disturbance| {
        disturbance.span.overlaps(lease) && disturbance.slot.is_none_or(|slot| slot == log.slot)
    };
    if let Some(disturbance) = evidence.disturbances.iter().find(befell) {
        return Some(format!("its holder met {}", disturbance.what));
    }
    let slow = index
        .puts
        .values()
        .flatten()
        .filter(|put| put.worker == holder.worker)
        .filter(|put| {
            lease.overlaps(Span {
                from: put.began,
                to: put.ended,
            })
        })
        .any(|put| put.outcome == PutOutcome::Failed || put.ended.saturating_sub(put.began) > SLOW);
    if slow {
        return Some("the store was slow for its holder".into());
    }
    stalled(log, lease).then(|| "the machine did not let its holder run".into())
}

fn stalled(log: &super::WorkerLog, span: Span) -> bool {
    log.lines.iter().any(|line| match line.event {
        WorkerEvent::Stalled { from } => Span { from, to: line.at }.overlaps(span),
        _ => false,
    })
}

pub(super) fn micros(duration: std::time::Duration) -> Micros {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
