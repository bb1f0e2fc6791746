//! What a process makes of a record that differs from its own.

use tokenkeeper_store::Version;

use super::{Rules, Stored, Write};
use crate::record::{
    Live, Record, State, Tokens, Tombstone, Winner, is_unknown_to_tombstone, judge, merge_login,
};

/// What this process knows beside what the store has.
pub(super) enum Reconciled<T> {
    Nothing,
    Stands(Stored<T>),
    /// The store lost the record or went back in time: ours is written back.
    Restore(Write<T>),
    /// A disconnect did not know our tokens: they go into its tombstone.
    Entomb(Write<T>),
}

pub(super) fn reconcile<T: Tokens>(
    rules: &Rules,
    ours: Option<&Stored<T>>,
    found: Option<Stored<T>>,
    version: Version,
) -> Reconciled<T> {
    match (ours, found) {
        (None, None) => Reconciled::Nothing,
        (Some(ours), None) if ours.record.authorization().is_none() => Reconciled::Nothing,
        (Some(ours), None) => Reconciled::Restore(Write {
            version,
            expected: None,
            record: Some(ours.record.clone()),
        }),
        (Some(ours), Some(found)) if judge(&ours.record, &found.record) == Winner::Ours => {
            Reconciled::Restore(over(rules, &ours.record, &found, version))
        }
        (Some(ours), Some(found)) => match entomb(rules, &ours.record, &found, version) {
            Some(write) if is_unknown_to_tombstone(&ours.record, &found.record) => {
                Reconciled::Entomb(write)
            }
            // What was noted of it here could not be written.
            _ if ours.version == found.version => Reconciled::Stands(ours.clone()),
            _ => Reconciled::Stands(found),
        },
        (None, Some(found)) => Reconciled::Stands(found),
    }
}

/// What a process remembers once it has met `stored`, and whether that is in the store; `None` where it knows a later truth.
///
/// Where one of the two is a tombstone that does not know the other's tokens, both become one that does: it is written, and its tokens
/// are revoked, at the next comparison with the store.
pub(crate) fn remember<T: Tokens>(
    rules: &Rules,
    known: Option<&Stored<T>>,
    stored: Stored<T>,
    written: bool,
) -> Option<(Stored<T>, bool)> {
    let Some(known) = known.map(|known| &known.record) else {
        return Some((stored, written));
    };
    let pairs = [(known, &stored.record), (&stored.record, known)];
    let unknown = pairs
        .into_iter()
        .find(|(live, tombstone)| is_unknown_to_tombstone(live, tombstone));
    if let Some(live) = unknown.and_then(|(live, _)| live.live()) {
        let record = Record {
            state: live.buried(rules),
            login: stored.record.login,
        };
        let version = stored.version;
        return Some((Stored { version, record }, false));
    }
    (judge(known, &stored.record) == Winner::Theirs).then_some((stored, written))
}

/// The login was disconnected by somebody who did not know the tokens that we have: they go into its tombstone, to be revoked
/// too. `None`: it was not, or the provider cannot revoke.
pub(super) fn entomb<T: Tokens>(
    rules: &Rules,
    ours: &Record<T>,
    there: &Stored<T>,
    version: Version,
) -> Option<Write<T>> {
    let live = ours.live().filter(|_| rules.revokes)?;
    let State::Ended(tombstone) = &there.record.state else {
        return None;
    };
    if tombstone.authorization != live.authorization || tombstone.generation > live.generation {
        return None;
    }
    let tombstone = Record {
        state: live.buried(rules),
        login: there.record.login,
    };
    Some(Write {
        version,
        expected: Some(there.version),
        record: Some(tombstone),
    })
}

/// Our record over what the store has, keeping a login that is under way there, and the tokens that a tombstone of ours does not know.
pub(super) fn over<T: Tokens>(
    rules: &Rules,
    ours: &Record<T>,
    there: &Stored<T>,
    version: Version,
) -> Write<T> {
    let state = match there.record.live() {
        Some(live) if is_unknown_to_tombstone(&there.record, ours) => live.buried(rules),
        _ => ours.state.clone(),
    };
    Write {
        version,
        expected: Some(there.version),
        record: Some(Record {
            state,
            login: merge_login(ours, &there.record),
        }),
    }
}

impl<T: Tokens> Live<T> {
    /// The tombstone of this login; it keeps the tokens until they are revoked.
    pub(super) fn buried(&self, rules: &Rules) -> State<T> {
        State::Ended(Tombstone {
            authorization: self.authorization,
            generation: self.generation,
            revoke: rules.revokes.then(|| self.tokens.clone()),
        })
    }
}
