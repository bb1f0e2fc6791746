//! May this refresh token have been presented again?

use super::{Evidence, Shown, Span, facts::Sending, index::Index};
use crate::{
    said::{Micros, PutOutcome, Said},
    terms::LEASE,
};

/// Between two processes' readings of one clock, and for what lies between a clock's reading and the line that tells it.
const SLACK: Micros = 20_000;

/// What takes longer than this was held up.
const SLOW: Micros = 250_000;

/// Why a second presentation was within the rule, or why not.
pub(super) fn excuse(
    evidence: &Evidence,
    index: &Index,
    earlier: &Shown,
    later: &Shown,
) -> Result<String, String> {
    let (Some(first), Some(second)) = (sending(index, earlier), sending(index, later)) else {
        return Err("a presentation that no worker told of".into());
    };
    let Some(claimed) = second.claimed else {
        return Err("presented without an attempt that was written first".into());
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
        return Err("the first was presented without an attempt that was written before".into());
    };
    if claimed < began {
        return woke_late(evidence, second, later, claimed, began);
    }
    if claimed + SLACK < began + micros(LEASE) {
        return Err("presented again while the lease of the first ran".into());
    }
    let next = index.successors.get(&earlier.mark);
    if let Some(written) = next.and_then(|next| index.written(*next))
        && written < claimed
    {
        return Err("presented again when the new tokens were in the store".into());
    }
    if let Some(marked) = index.marked(earlier.mark)
        && marked < claimed
    {
        return Err("presented again when the store said that it was refused".into());
    }
    let lease = Span {
        from: began,
        to: claimed,
    };
    held_up(evidence, index, first, lease)
        .map(|why| format!("the lease ran out: {why}"))
        .ok_or_else(|| "the lease ran out on a holder that nothing held up".into())
}

fn sending<'a>(index: &'a Index, shown: &Shown) -> Option<&'a Sending> {
    let sending = index.sendings.get(&(shown.worker.clone(), shown.send))?;
    (sending.mark == shown.mark).then_some(sending)
}

/// A holder claimed first and was stopped after its last look at the clock, before its request had left; another claimed after its lease, and
/// presented before it woke. Without fencing at the provider this stays open.
fn woke_late(
    evidence: &Evidence,
    sleeper: &Sending,
    shown: &Shown,
    claimed: Micros,
    others: Micros,
) -> Result<String, String> {
    if others + SLACK < claimed + micros(LEASE) {
        return Err("the other had claimed it while its lease ran".into());
    }
    let span = Span {
        from: claimed,
        to: shown.began,
    };
    let life = evidence.lives.get(&sleeper.worker);
    life.filter(|life| life.stopped(span) > 0 || stalled(life, span))
        .map(|_| "stopped between its last look at the clock and its sending".into())
        .ok_or_else(|| "sent after its lease by a process that was not stopped".into())
}

/// Why a holder did not come to write what it had within `lease`.
pub(super) fn held_up(
    evidence: &Evidence,
    index: &Index,
    holder: &Sending,
    lease: Span,
) -> Option<String> {
    let life = evidence.lives.get(&holder.worker)?;
    if life.killed.is_some_and(|killed| killed < lease.to) {
        return Some("its holder was killed".into());
    }
    if life.stops.iter().any(|stop| stop.overlaps(lease)) {
        return Some("its holder was stopped".into());
    }
    let befell = |trouble: &&super::Trouble| {
        trouble.span.overlaps(lease) && trouble.slot.is_none_or(|slot| slot == life.slot)
    };
    if let Some(trouble) = evidence.troubles.iter().find(befell) {
        return Some(format!("its holder met {}", trouble.what));
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
    stalled(life, lease).then(|| "the machine did not let its holder run".into())
}

fn stalled(life: &super::Life, span: Span) -> bool {
    life.lines.iter().any(|line| match line.said {
        Said::Stalled { from } => Span { from, to: line.at }.overlaps(span),
        _ => false,
    })
}

pub(super) fn micros(duration: std::time::Duration) -> Micros {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
