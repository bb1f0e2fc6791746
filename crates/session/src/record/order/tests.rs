//! The rows of the table of conflicts in ARCHITECTURE.md, and what goes beyond them.

use Winner::{Ours, Theirs};

use super::*;
use crate::record::{Attempt, Authorization, Cause, Health, Tombstone};

/// Tokens with this refresh token.
#[derive(Clone)]
struct Refresh(u64);

impl Tokens for Refresh {
    fn refresh_digest(&self) -> Option<u64> {
        Some(self.0)
    }
}

fn login(number: u64) -> Authorization {
    Authorization { number, id: 1 }
}

fn live(number: u64, generation: u64) -> Live<Refresh> {
    Live {
        generation,
        ..Live::first(login(number), Refresh(generation))
    }
}

fn record(live: Live<Refresh>) -> Record<Refresh> {
    Record {
        state: State::Live(live),
        login: None,
    }
}

fn at(number: u64, generation: u64) -> Record<Refresh> {
    record(live(number, generation))
}

fn ended(number: u64, generation: u64) -> Record<Refresh> {
    Record {
        state: State::Ended(Tombstone {
            authorization: login(number),
            generation,
            revoke: None,
        }),
        login: None,
    }
}

fn empty() -> Record<Refresh> {
    Record {
        state: State::Empty,
        login: None,
    }
}

fn dead(mut live: Live<Refresh>) -> Live<Refresh> {
    live.health = Health::Dead(Cause::Refused(None));
    live
}

#[test]
fn a_record_without_a_login_loses() {
    assert_eq!(judge(&at(1, 1), &empty()), Ours);
    assert_eq!(judge(&empty(), &at(1, 1)), Theirs);
    assert_eq!(judge(&empty(), &empty()), Theirs);
}

#[test]
fn the_newer_login_or_tombstone_wins_whatever_the_generation() {
    for theirs in [at(2, 1), ended(2, 1)] {
        assert_eq!(judge(&at(1, 9), &theirs), Theirs);
        assert_eq!(judge(&ended(1, 9), &theirs), Theirs);
        assert_eq!(judge(&theirs, &at(1, 9)), Ours);
        assert_eq!(judge(&theirs, &ended(1, 9)), Ours);
    }
}

#[test]
fn of_two_logins_with_one_number_the_one_in_the_store_stands() {
    let mut other = live(1, 1);
    other.authorization.id = 2;
    assert_eq!(judge(&at(1, 9), &record(other)), Theirs);
}

#[test]
fn the_later_generation_wins_whatever_its_health() {
    assert_eq!(judge(&at(1, 1), &at(1, 2)), Theirs);
    assert_eq!(judge(&at(1, 2), &at(1, 1)), Ours);
    // A mark that a failover restored is no match for live tokens.
    assert_eq!(judge(&at(1, 2), &record(dead(live(1, 1)))), Ours);
    assert_eq!(judge(&record(dead(live(1, 2))), &at(1, 1)), Ours);
    assert_eq!(judge(&record(dead(live(1, 1))), &at(1, 2)), Theirs);
}

#[test]
fn of_two_results_of_one_token_that_of_the_later_presentation_wins() {
    let born_of = |presentation, token| {
        let mut live = live(1, 2);
        (live.born_of, live.tokens) = (presentation, Refresh(token));
        record(live)
    };
    assert_eq!(judge(&born_of(2, 20), &born_of(1, 10)), Ours);
    assert_eq!(judge(&born_of(1, 10), &born_of(2, 20)), Theirs);
    assert_eq!(judge(&born_of(1, 10), &born_of(1, 20)), Theirs);
}

#[test]
fn a_refusal_that_a_failover_has_lost_stands() {
    let mut attempted = live(1, 1);
    attempted.attempt = Some(Attempt {
        id: 1,
        holder: 1,
        lease: 60_000,
        digest: 1,
    });
    let refused = record(dead(live(1, 1)));
    assert_eq!(judge(&refused, &record(attempted.clone())), Ours);
    assert_eq!(judge(&record(attempted), &refused), Theirs);
    assert_eq!(judge(&refused, &refused), Theirs);
}

#[test]
fn a_tombstone_ends_every_generation_of_its_login_and_no_later_one() {
    for generation in [1, 2, 3] {
        assert_eq!(judge(&at(1, generation), &ended(1, 2)), Theirs);
        assert_eq!(judge(&ended(1, 2), &at(1, generation)), Ours);
    }
    assert_eq!(judge(&at(2, 1), &ended(1, 2)), Ours);
    assert_eq!(judge(&ended(1, 3), &ended(1, 2)), Ours);
    assert_eq!(judge(&ended(1, 2), &ended(1, 3)), Theirs);
}

#[test]
fn a_tombstone_does_not_know_the_tokens_of_later_generations() {
    assert!(is_unknown_to_tombstone(&at(1, 3), &ended(1, 2)));
    assert!(!is_unknown_to_tombstone(&at(1, 2), &ended(1, 2)));
    assert!(!is_unknown_to_tombstone(&at(2, 3), &ended(1, 2)));
    assert!(!is_unknown_to_tombstone(&ended(1, 3), &ended(1, 2)));
}

#[test]
fn the_newest_login_under_way_survives_a_write_unless_it_is_over() {
    let pending = |number: u64| {
        let attempt = Attempt {
            id: number.into(),
            holder: 1,
            lease: 60_000,
            digest: 0,
        };
        Login {
            authorization: login(number),
            attempt,
        }
    };
    let with = |number: u64, mut record: Record<Refresh>| {
        record.login = Some(pending(number));
        record
    };
    assert_eq!(merge_login(&at(1, 1), &with(2, at(1, 1))), Some(pending(2)));
    assert_eq!(merge_login(&with(2, at(1, 1)), &at(1, 1)), Some(pending(2)));
    let both = merge_login(&with(2, at(1, 1)), &with(3, at(1, 1)));
    assert_eq!(both, Some(pending(3)));
    assert_eq!(merge_login(&at(2, 1), &with(2, at(1, 1))), None);
}
