//! Which of two records of one account is the later truth: the one comparison that every conflict,
//! every revalidation and every late answer goes through.

use super::{Live, Login, Record, State, Tokens};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Winner {
    Ours,
    Theirs,
}

/// Judges `ours`, which this process holds, against `theirs`, which the store has. On a tie what is in the store stands.
pub(crate) fn judge<T: Tokens>(ours: &Record<T>, theirs: &Record<T>) -> Winner {
    use Winner::{Ours, Theirs};
    #[cfg(test)]
    if let Some(winner) = crate::model::mutation::judge(ours, theirs) {
        return winner;
    }
    let (Some(mine), Some(other)) = (ours.authorization(), theirs.authorization()) else {
        return if ours.authorization().is_some() {
            Ours
        } else {
            Theirs
        };
    };
    if mine.number != other.number {
        return if mine.number > other.number {
            Ours
        } else {
            Theirs
        };
    }
    if mine.id != other.id {
        return Theirs;
    }
    match (&ours.state, &theirs.state) {
        (State::Live(ours), State::Live(theirs)) => judge_live(ours, theirs),
        (State::Ended(_), State::Live(_)) => Ours,
        (State::Ended(ours), State::Ended(theirs)) if ours.generation > theirs.generation => Ours,
        _ => Theirs,
    }
}

/// Whether `live` holds newer tokens than those that the tombstone of the same login was made of.
pub(crate) fn is_unknown_to_tombstone<T>(live: &Record<T>, tombstone: &Record<T>) -> bool {
    matches!((&live.state, &tombstone.state), (State::Live(live), State::Ended(tombstone))
        if live.authorization == tombstone.authorization && live.generation > tombstone.generation)
}

/// Generation before health: a mark that a failover restored never beats live tokens.
fn judge_live<T: Tokens>(ours: &Live<T>, theirs: &Live<T>) -> Winner {
    use Winner::{Ours, Theirs};
    if ours.generation != theirs.generation {
        return if ours.generation > theirs.generation {
            Ours
        } else {
            Theirs
        };
    }
    if ours.tokens.refresh_digest() == theirs.tokens.refresh_digest() {
        // A refusal stands, also where a failover has lost it.
        let news = ours.is_dead() && !theirs.is_dead();
        return if news { Ours } else { Theirs };
    }
    // Two presentations of the same token were both answered with tokens: those of the later one are the valid ones.
    if ours.born_of > theirs.born_of {
        Ours
    } else {
        Theirs
    }
}

/// The pending login that must survive when a record of ours is written over `theirs`.
pub(crate) fn merge_login<T>(ours: &Record<T>, theirs: &Record<T>) -> Option<Login> {
    let held = ours.authorization().map_or(0, |a| a.number);
    [ours.login, theirs.login]
        .into_iter()
        .flatten()
        .filter(|login| login.authorization.number > held)
        .max_by_key(|login| login.authorization.number)
}

#[cfg(test)]
mod tests;
