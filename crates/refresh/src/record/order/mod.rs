//! Orders two records of one account. Every conflict, every comparison with the store and every
//! late answer goes through here.

use super::{Attempt, Cause, Failures, Health, Live, Login, Pending, Rare, Record, State};
use crate::{
    instant::WallMillis,
    mutation::{Mutation, broken},
    payload::Payload,
    rules::Rules,
};

/// The newer of two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newer {
    /// The record that this process holds.
    Ours,
    /// The record in the store.
    Theirs,
}

/// Compares `ours`, which this process holds, with `theirs`, which the store has. On a tie the
/// stored record wins.
pub fn compare_records<T: Payload>(ours: &Record<T>, theirs: &Record<T>) -> Newer {
    let (Some(mine), Some(other)) = (ours.authorization(), theirs.authorization()) else {
        return ours_if(ours.authorization().is_some());
    };
    if broken(Mutation::GenerationsAcrossLogins) && ours.live().is_some() && theirs.live().is_some()
    {
        return ours_if(ours.generation() > theirs.generation());
    }
    if mine.number != other.number {
        return ours_if(mine.number > other.number);
    }
    if mine.id != other.id {
        return Newer::Theirs;
    }
    match (&ours.state, &theirs.state) {
        (State::Live(ours), State::Live(theirs)) => compare_live(ours, theirs),
        (State::Ended(_), State::Live(_)) => Newer::Ours,
        (State::Ended(ours), State::Ended(theirs)) if ours.forgotten != theirs.forgotten => {
            ours_if(ours.forgotten)
        }
        (State::Ended(ours), State::Ended(theirs)) => ours_if(ours.generation > theirs.generation),
        _ => Newer::Theirs,
    }
}

/// Compares generations before health: a refusal that a failover brought back never beats live
/// tokens.
fn compare_live<T: Payload>(ours: &Live<T>, theirs: &Live<T>) -> Newer {
    let same = ours.generation == theirs.generation;
    if ours.is_dead() != theirs.is_dead() {
        if broken(Mutation::DeadBeatsTokens) && !same {
            return ours_if(ours.is_dead());
        }
        if broken(Mutation::HealthBeforeGeneration) && !same {
            return ours_if(!ours.is_dead());
        }
    }
    if !same {
        return ours_if(ours.generation > theirs.generation);
    }
    if ours.payload.refresh_digest() == theirs.payload.refresh_digest() {
        // A refusal stands even if a failover lost it. An attempt that follows it stands too.
        return ours_if(ours.is_dead() && theirs.refusal().is_none() && theirs.attempt.is_none());
    }
    // Two presentations of one token both brought tokens: those of the later one are valid.
    ours_if(ours.born_of > theirs.born_of)
}

fn ours_if(ours: bool) -> Newer {
    if ours { Newer::Ours } else { Newer::Theirs }
}

/// The result of merging two records of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged<T> {
    /// The merged record. It is written if it differs from the stored one.
    pub record: Record<T>,
    /// Whether the store had gone back in time.
    pub restored: bool,
}

/// What a merge must know about this process.
#[derive(Clone, Copy)]
pub(crate) struct MergeContext<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) wall: WallMillis,
    /// This process has tokens, or their end, that the store does not have yet.
    pub(crate) unwritten: bool,
    /// Returns whether an attempt is this process's and no longer in flight.
    pub(crate) is_over: &'a dyn Fn(&Attempt) -> bool,
}

/// Merges what this process knows with what the store has.
pub(crate) fn merge<T: Payload>(
    ours: &Record<T>,
    theirs: &Record<T>,
    cx: MergeContext<'_>,
) -> Merged<T> {
    let newer = compare_records(ours, theirs);
    let knows_outcome = knows_outcome(ours, theirs, cx);
    let mut record = if newer == Newer::Ours || knows_outcome {
        ours.clone()
    } else {
        theirs.clone()
    };
    merge_presentations(&mut record, ours, theirs);
    record.pending = Rare::new(Pending {
        login: merge_login(ours, theirs, record.number(), cx),
        revoke: theirs.revoke.clone(),
        revocation: theirs.revocation,
        used_flows: theirs.used_flows.clone(),
    });
    merge_flows(&mut record, ours, theirs, cx);
    if record.is_forgotten() {
        // Nothing of the account is kept, not even for a revocation.
        record.revoke.clear();
        record.revocation = Failures::default();
        record.tidy();
        return Merged {
            record,
            restored: newer == Newer::Ours && !cx.unwritten,
        };
    }
    // A store that went back in time may have lost what this process listed there.
    if cx.unwritten || newer == Newer::Ours {
        for listed in &ours.revoke {
            record.revoke_later(listed);
        }
    }
    revoke_replaced(&mut record, ours, theirs, cx);
    if let Some(live) = record.live_mut() {
        // An attempt of this process that was written over another one's has replaced it.
        let holder = cx.rules.holder;
        let is_gone =
            |attempt: &Attempt| (cx.is_over)(attempt) || knows_outcome && attempt.holder != holder;
        if live.attempt.as_deref().is_some_and(is_gone) {
            live.attempt = None;
            live.condition.tidy();
        }
    }
    Merged {
        record,
        restored: newer == Newer::Ours && !cx.unwritten,
    }
}

/// Returns whether the store still shows an attempt whose outcome this process knows, since only a
/// login was written after it.
fn knows_outcome<T: Payload>(ours: &Record<T>, theirs: &Record<T>, cx: MergeContext<'_>) -> bool {
    let (Some(mine), Some(other)) = (ours.live(), theirs.live()) else {
        return false;
    };
    let attempt = other.attempt.as_deref();
    mine.authorization == other.authorization
        && mine.generation == other.generation
        && mine.payload.refresh_digest() == other.payload.refresh_digest()
        && attempt.is_some_and(cx.is_over)
}

/// Merges what both sides know about the presentations of one token.
fn merge_presentations<T: Payload>(record: &mut Record<T>, ours: &Record<T>, theirs: &Record<T>) {
    let (Some(mine), Some(other), Some(live)) = (ours.live(), theirs.live(), record.live_mut())
    else {
        return;
    };
    let same = mine.authorization == other.authorization
        && mine.generation == other.generation
        && mine.payload.refresh_digest() == other.payload.refresh_digest();
    if same {
        if mine.unanswered || other.unanswered {
            live.unanswered = true;
        }
        live.presented = mine.presented.max(other.presented);
        // The stored cause stands, so that two processes do not overwrite each other's.
        if let Some(cause) = other.refusal().or(mine.refusal()) {
            let lost = live.unanswered;
            let cause = if lost { &Cause::ResponseLost } else { cause };
            live.health = Health::Dead(cause.clone());
        }
    }
}

/// Returns the logins in flight that the two records show.
fn logins<'r, T>(
    ours: &'r Record<T>,
    theirs: &'r Record<T>,
    cx: MergeContext<'r>,
) -> impl Iterator<Item = Login> + 'r {
    let is_mine = move |login: &Login| login.attempt.holder == cx.rules.holder;
    // Only the store knows whether another process's login is still in flight.
    let mine = ours.login.filter(is_mine);
    let other = theirs
        .login
        .filter(|login| is_mine(login) || !broken(Mutation::PendingLoginDropped));
    [mine, other]
        .into_iter()
        .flatten()
        .filter(move |login| !(cx.is_over)(&login.attempt))
}

/// Returns the login in flight that survives: the newest one that is newer than the state.
fn merge_login<T>(
    ours: &Record<T>,
    theirs: &Record<T>,
    number: u64,
    cx: MergeContext<'_>,
) -> Option<Login> {
    logins(ours, theirs, cx)
        .filter(|login| login.authorization.number > number)
        .max_by_key(|login| login.authorization.number)
}

/// Merges the flows that must not be used again: those that either side knows, and those of logins
/// in flight that something newer replaced.
fn merge_flows<T>(
    record: &mut Record<T>,
    ours: &Record<T>,
    theirs: &Record<T>,
    cx: MergeContext<'_>,
) {
    let known = record.authorization().map(|authorization| authorization.id);
    let kept = [record.login.map(|login| login.authorization.id), known];
    for login in logins(ours, theirs, cx) {
        if !kept.contains(&Some(login.authorization.id)) {
            record.retire(&login, cx.wall);
        }
    }
    for flow in ours.used_flows.iter().filter(|flow| !flow.is_over(cx.wall)) {
        record.use_flow(*flow);
    }
}

/// Lists the tokens that lost against the record for revocation, if revoking them reaches no other
/// login.
fn revoke_replaced<T: Payload>(
    record: &mut Record<T>,
    ours: &Record<T>,
    theirs: &Record<T>,
    cx: MergeContext<'_>,
) {
    for (live, is_ours) in [(ours.live(), true), (theirs.live(), false)] {
        let Some(live) = live else { continue };
        let fresh = cx.unwritten && is_ours;
        let known = record.authorization() == Some(live.authorization);
        let revokes = match &mut record.state {
            State::Ended(tombstone) if known => {
                // The disconnect did not know the newest tokens of its login.
                let unknown = live.generation > tombstone.generation
                    || fresh && live.generation == tombstone.generation;
                tombstone.generation = tombstone.generation.max(live.generation);
                unknown && cx.rules.revokes
            }
            State::Ended(_) => cx.unwritten && cx.rules.revokes,
            // Two exchanges of one code brought tokens of one grant.
            State::Live(winner) if winner.authorization.id == live.authorization.id => false,
            State::Live(_) if !known => {
                let alone = cx.rules.revokes_alone || broken(Mutation::RevokesNewerLogin);
                cx.unwritten && alone
            }
            State::Live(_) | State::Empty => false,
        };
        if revokes && !broken(Mutation::UnknownTokensNotRevoked) {
            record.revoke_later(&live.payload);
        }
    }
}

#[cfg(test)]
mod tests;
