//! Decides what requests are served, and until when they need not ask the machine.

use std::sync::Arc;

use super::{jobs::RefreshStage, obstacle::lasting_obstacle, turn::Turn};
use crate::{
    action::{Action, Publication},
    context::Context,
    instant::{EngineInstant, millis},
    mutation::{Mutation, broken},
    payload::{Payload, Schedule},
    record::{Live, Record},
    rules::StoreDown,
};

/// Publishes the known record once it may be served.
pub(super) fn publish<T: Payload>(turn: &mut Turn<'_, T>) {
    let served = turn.state.served.clone();
    let record = servable(turn);
    let same = matches!((&served, &record), (Some(before), Some(now)) if Arc::ptr_eq(before, now));
    let same_token = same
        || match (
            served.as_deref().and_then(Record::live),
            record.as_deref().and_then(Record::live),
        ) {
            (Some(before), Some(now)) => {
                before.token_version() == now.token_version() && before.payload == now.payload
            }
            _ => false,
        };
    if let Some(live) = record.as_deref().and_then(Record::live)
        && !same_token
    {
        turn.state.schedule = schedule(live, turn.cx);
    }
    let replayable_only = turn.cx.rules.old_token_dies
        && turn.refresh_job().is_some_and(|job| {
            matches!(
                job.stage,
                RefreshStage::Exchanging(_) | RefreshStage::Watching(_)
            )
        });
    let fresh_until = if record.is_some() {
        fresh_until(turn)
    } else {
        EngineInstant(0)
    };
    let on_trial = turn
        .active()
        .and_then(|activity| activity.rejections)
        .is_some_and(|rejections| rejections.trial.is_some());
    let same_record = match (&served, &record) {
        _ if same => true,
        (Some(before), Some(now)) => before == now,
        (None, None) => true,
        _ => false,
    };
    let unchanged = same_record
        && turn.state.fresh_until == fresh_until
        && turn.state.replayable_only == replayable_only
        && turn.state.on_trial == on_trial;
    turn.state.served.clone_from(&record);
    if unchanged {
        return;
    }
    turn.state.fresh_until = fresh_until;
    turn.state.replayable_only = replayable_only;
    turn.state.on_trial = on_trial;
    let publication = record.map(|record| Publication {
        record,
        fresh_until,
        replayable_only,
        on_trial,
    });
    turn.act(Action::Publish(publication));
}

/// Returns the record whose token may be served: new tokens only once they are written or a write
/// has failed.
fn servable<T: Payload>(turn: &Turn<'_, T>) -> Option<Arc<Record<T>>> {
    let known = turn.state.known.as_ref()?;
    if known.live().is_none() {
        let served = turn.state.served.clone();
        return served.filter(|_| broken(Mutation::ServesAfterDisconnect));
    }
    let behind = turn.active().is_some_and(|activity| activity.behind);
    if turn.is_critical() && !behind {
        let settles = turn
            .refresh_job()
            .is_some_and(|job| matches!(job.stage, RefreshStage::Settling(Ok(Some(_)))));
        if settles && turn.cx.rules.old_token_dies {
            // The provider invalidated the old token when it issued the new ones.
            return None;
        }
        let served = turn.state.served.as_ref();
        // A disconnect may have ended the served login while the tokens of a newer one are being
        // written.
        served
            .filter(|served| served.number() > turn.ended)
            .cloned()
    } else {
        Some(known.clone())
    }
}

/// Computes when a token set becomes stale and when it expires.
fn schedule<T: Payload>(live: &Live<T>, cx: &Context<'_>) -> Schedule {
    let (times, rules) = (live.payload.times(), cx.rules);
    // No token was issued in the future, so an `issued_at` ahead of now shows a wrong clock.
    let issued = cx.instant(times.issued_at).min(cx.now);
    let lifetime = times.lifetime();
    let refresh_life = rules.refresh_life(&times);
    let floor = rules.floor(refresh_life);
    let keep_alive = refresh_life.map_or(EngineInstant::NEVER, |life| {
        issued.after(rules.keep_alive_after(life))
    });
    let hint = times.refresh_at.map(|at| cx.instant(at));
    let (Some(expires), Some(lifetime)) = (times.expires_at, lifetime) else {
        // Without a known expiry only the server's hint, the refresh token's lifetime or a
        // rejection leads to a refresh.
        let planned = hint.unwrap_or(EngineInstant::NEVER).min(keep_alive);
        return Schedule {
            stale_at: planned.max(issued.after(floor)),
            expires_at: EngineInstant::NEVER,
        };
    };
    let mut expires_at = cx.instant(expires);
    if expires_at <= issued {
        // A token that was already expired on arrival is served for the floor: the next one would
        // be no better.
        expires_at = issued.after(floor);
    }
    let ahead = rules.stale_window(lifetime).mul_f64(1.0 - cx.roll() / 2.0);
    let planned = hint.unwrap_or(EngineInstant(expires_at.0.saturating_sub(millis(ahead))));
    Schedule {
        stale_at: planned
            .min(keep_alive)
            .max(issued.after(floor))
            .max(cx.instant(rules.earliest_refresh(&times)))
            .min(expires_at),
        expires_at,
    }
}

/// Returns until when requests need not ask the machine.
fn fresh_until<T: Payload>(turn: &Turn<'_, T>) -> EngineInstant {
    let state = &turn.state;
    let mut stale_at = state.schedule.stale_at;
    let interval = turn.cx.revalidation(state.compared_at);
    let mut revalidate_at = state.compared_at.after(interval);
    if state.tracker.is_pending() {
        revalidate_at = EngineInstant(0);
    }
    if let Some(activity) = turn.active() {
        if activity.refresh.is_some() || activity.critical && activity.unwritten {
            stale_at = EngineInstant::NEVER;
        }
        stale_at = stale_at.max(activity.retry_at);
        if activity.read.is_some() || activity.compare {
            revalidate_at = EngineInstant::NEVER;
        }
        if let Some(trouble) = activity.trouble {
            revalidate_at = revalidate_at.max(trouble.until);
            stale_at = stale_at.max(trouble.until);
        }
    }
    if turn
        .live()
        .is_some_and(|live| lasting_obstacle(live).is_some())
    {
        stale_at = EngineInstant::NEVER;
    }
    stale_at
        .min(revalidate_at)
        .min(overdue_at(turn))
        .min(state.schedule.expires_at)
}

/// Returns from when memory must be compared before it is served.
pub(super) fn overdue_at<T: Payload>(turn: &Turn<'_, T>) -> EngineInstant {
    if turn.state.tracker.before_use {
        return EngineInstant(0);
    }
    let rules = turn.cx.rules;
    let compared_at = turn.state.compared_at;
    let interval = turn.cx.revalidation(compared_at);
    let overdue_at = compared_at.after(interval.saturating_mul(2));
    match turn.active().and_then(|activity| activity.trouble) {
        // Not forever: the store may be reachable again.
        Some(trouble) if rules.store_down == StoreDown::Serve => {
            overdue_at.max(trouble.until.after(rules.revalidation))
        }
        _ => overdue_at,
    }
}

#[cfg(test)]
mod tests;
