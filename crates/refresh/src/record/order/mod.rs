//! Which of two records of one account is the later truth. Every conflict, every comparison with
//! the store and every late answer goes through here.

use super::{Attempt, Live, Login, Pending, Rare, Record, State};
use crate::{
    mutation::{Mutation, broken},
    payload::Payload,
    rules::Rules,
};

/// Which of two records is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newer {
    /// The one that this process holds.
    Ours,
    /// The one in the store.
    Theirs,
}

/// Compares `ours`, which this process holds, with `theirs`, which the store has. On a tie the one
/// in the store stands.
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
        (State::Ended(ours), State::Ended(theirs)) => ours_if(ours.generation > theirs.generation),
        _ => Newer::Theirs,
    }
}

/// Generation before health: a mark that a failover restored never beats live tokens.
fn compare_live<T: Payload>(ours: &Live<T>, theirs: &Live<T>) -> Newer {
    let same = ours.generation == theirs.generation;
    if ours.is_dead() != theirs.is_dead() {
        if broken(Mutation::DeadWinsOverTokens) && !same {
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
        // A refusal stands even if a failover has lost it.
        return ours_if(ours.is_dead() && !theirs.is_dead());
    }
    // Two presentations of one token were both answered with tokens: those of the later one are
    // valid.
    ours_if(ours.born_of > theirs.born_of)
}

fn ours_if(ours: bool) -> Newer {
    if ours { Newer::Ours } else { Newer::Theirs }
}

/// Two records of one account, made one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged<T> {
    /// The truth: where it differs from what the store has, it is written there.
    pub record: Record<T>,
    /// The store had gone back in time.
    pub restored: bool,
}

/// What a merge is told of this cx.
#[derive(Clone, Copy)]
pub(crate) struct MergeContext<'a> {
    pub(crate) rules: &'a Rules,
    /// This process knows of tokens, or of their end, that the store does not have yet.
    pub(crate) unwritten: bool,
    /// Tells an attempt of this process that is over from one in flight.
    pub(crate) is_over: &'a dyn Fn(&Attempt) -> bool,
}

/// Makes one truth of what this process knows and what the store has.
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
    });
    // Where the store went back in time, it may have lost what this process noted there.
    if cx.unwritten || newer == Newer::Ours {
        for listed in &ours.revoke {
            record.revoke_later(listed);
        }
    }
    revoke_replaced(&mut record, ours, theirs, cx);
    if let Some(live) = record.live_mut() {
        // Where an attempt of this process was written over another's, the other one is gone.
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

/// Whether the store still shows an attempt whose outcome this process knows: nothing but a login
/// came over it.
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

/// What either side knows of the presentations of one token.
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
    }
}

/// The login in flight that survives, if it is newer than the state.
fn merge_login<T>(
    ours: &Record<T>,
    theirs: &Record<T>,
    number: u64,
    cx: MergeContext<'_>,
) -> Option<Login> {
    let is_mine = |login: &Login| login.attempt.holder == cx.rules.holder;
    // Whether another process's login is still in flight only the store knows.
    let mine = ours.login.filter(is_mine);
    let other = theirs
        .login
        .filter(|login| is_mine(login) || !broken(Mutation::PendingLoginDropped));
    [mine, other]
        .into_iter()
        .flatten()
        .filter(|login| login.authorization.number > number && !(cx.is_over)(&login.attempt))
        .max_by_key(|login| login.authorization.number)
}

/// Notes the tokens for revocation that lost against the record, where that reaches no login that
/// stands.
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
                // A disconnect that did not know the newest tokens of its login learns of them.
                let unknown = live.generation > tombstone.generation
                    || fresh && live.generation == tombstone.generation;
                tombstone.generation = tombstone.generation.max(live.generation);
                unknown && cx.rules.revokes
            }
            State::Ended(_) => cx.unwritten && cx.rules.revokes,
            State::Live(_) if !known => {
                let alone = cx.rules.revokes_alone || broken(Mutation::RevokesOverALogin);
                cx.unwritten && alone
            }
            State::Live(_) | State::Empty => false,
        };
        if revokes && !broken(Mutation::UnknownTokensForgotten) {
            record.revoke_later(&live.payload);
        }
    }
}

#[cfg(test)]
mod tests;
