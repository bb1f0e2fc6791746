//! Tests of each row of the conflict table in ARCHITECTURE.md, and of further cases.

use Newer::{Ours, Theirs};

use super::*;
use crate::{
    Id, Times,
    record::{Attempt, Authorization, Cause, Failures, Flow, Health, Tombstone},
    rules::tests::rules,
};

/// A token set that is only a refresh token.
#[derive(Clone, Debug, PartialEq)]
struct Refresh(u64);

impl Payload for Refresh {
    fn refresh_digest(&self) -> Option<u64> {
        Some(self.0)
    }

    fn times(&self) -> Times {
        Times::default()
    }
}

/// The ids of this process and of another one.
const ME: Id = Id([1; 16]);
const OTHER: Id = Id([2; 16]);

fn login(number: u64) -> Authorization {
    let id = Id([number as u8; 16]);
    Authorization { number, id }
}

fn live(number: u64, generation: u64) -> Live<Refresh> {
    Live {
        generation,
        ..Live::first(login(number), Refresh(generation))
    }
}

fn record(live: Live<Refresh>) -> Record<Refresh> {
    Record::of(State::Live(live))
}

fn at(number: u64, generation: u64) -> Record<Refresh> {
    record(live(number, generation))
}

fn ended(number: u64, generation: u64) -> Record<Refresh> {
    Record::of(State::Ended(Tombstone {
        authorization: login(number),
        generation,
        forgotten: false,
    }))
}

fn dead(mut live: Live<Refresh>) -> Live<Refresh> {
    live.health = Health::Dead(Cause::Refused(None));
    live
}

/// Returns the attempt with this id.
fn attempt(id: u8, holder: Id) -> Attempt {
    Attempt {
        id: Id([id; 16]),
        holder,
        lease: 60_000,
        digest: 1,
    }
}

fn attempted(mut live: Live<Refresh>, attempt: Attempt) -> Record<Refresh> {
    live.attempt = Some(Box::new(attempt));
    live.presented += 1;
    record(live)
}

fn with_login(mut record: Record<Refresh>, number: u64, holder: Id) -> Record<Refresh> {
    record.login = Some(Login {
        authorization: login(number),
        attempt: attempt(number as u8, holder),
        ends: 1,
        device: false,
    });
    record
}

/// Returns the context of a merge while attempts of this process are in flight, and nothing is
/// unwritten.
fn attempting(rules: &Rules, wall: WallMillis) -> MergeContext<'_> {
    MergeContext {
        rules,
        wall,
        unwritten: false,
        is_over: &|_| false,
    }
}

/// Merges two records while no attempt of this process is in flight.
fn merged(ours: &Record<Refresh>, theirs: &Record<Refresh>, unwritten: bool) -> Record<Refresh> {
    let cx = MergeContext {
        rules: &rules(),
        wall: 0,
        unwritten,
        is_over: &|attempt| attempt.holder == ME,
    };
    merge(ours, theirs, cx).record
}

#[test]
fn a_record_without_a_login_loses() {
    let empty = Record::empty();
    assert_eq!(compare_records(&at(1, 1), &empty), Ours);
    assert_eq!(compare_records(&empty, &at(1, 1)), Theirs);
    assert_eq!(compare_records::<Refresh>(&empty, &empty), Theirs);
}

#[test]
fn the_newer_login_or_tombstone_wins_at_any_generation() {
    for theirs in [at(2, 1), ended(2, 1)] {
        assert_eq!(compare_records(&at(1, 9), &theirs), Theirs);
        assert_eq!(compare_records(&ended(1, 9), &theirs), Theirs);
        assert_eq!(compare_records(&theirs, &at(1, 9)), Ours);
        assert_eq!(compare_records(&theirs, &ended(1, 9)), Ours);
    }
}

#[test]
fn a_forgotten_login_loses_only_to_a_newer_one() {
    let forgotten = |number| {
        let mut record = at(number, 2);
        record.revoke.push(Refresh(7));
        record.forget(None, 0);
        record
    };
    let mark = forgotten(1);
    assert!(mark.is_forgotten() && mark.revoke.is_empty());
    for other in [at(1, 9), ended(1, 9), at(0, 1), Record::empty()] {
        for unwritten in [false, true] {
            let mut listed = other.clone();
            listed.revoke.push(Refresh(8));
            assert_eq!(
                merged(&listed, &mark, unwritten),
                mark,
                "nothing is revoked"
            );
            assert_eq!(merged(&mark, &listed, unwritten), mark);
        }
    }
    for newer in [at(2, 1), ended(2, 1)] {
        assert_eq!(merged(&newer, &mark, false), newer);
        assert_eq!(merged(&mark, &newer, false), newer);
    }
    // A login in flight is newer.
    let pending = with_login(at(1, 1), 2, OTHER);
    assert_eq!(merged(&mark, &pending, false).login, pending.login);
}

#[test]
fn the_mark_of_an_unreadable_record_is_newer_than_what_is_known() {
    let mut record = at(5, 1);
    let newest = login(7);
    record.forget(Some(newest), 0);
    assert_eq!(record.authorization(), Some(newest));
    let mut later = at(9, 1);
    later.forget(Some(newest), 0);
    assert_eq!(later.authorization(), Some(login(9)));
}

#[test]
fn a_forgotten_account_keeps_no_login_but_its_flow() {
    let mut record = with_login(Record::empty(), 3, OTHER);
    record.forget(None, 0);
    assert_eq!(record.login, None);
    assert!(record.has_used(login(3).id));
    assert_eq!(record.number(), 0);
}

#[test]
fn the_stored_login_wins_a_tie() {
    let mut other = live(1, 1);
    other.authorization.id = OTHER;
    assert_eq!(compare_records(&at(1, 9), &record(other)), Theirs);
}

#[test]
fn the_later_generation_wins_at_any_health() {
    assert_eq!(compare_records(&at(1, 1), &at(1, 2)), Theirs);
    assert_eq!(compare_records(&at(1, 2), &at(1, 1)), Ours);
    // A refusal that a failover brought back does not beat live tokens.
    let (first, second) = (record(dead(live(1, 1))), record(dead(live(1, 2))));
    assert_eq!(compare_records(&at(1, 2), &first), Ours);
    assert_eq!(compare_records(&second, &at(1, 1)), Ours);
    assert_eq!(compare_records(&first, &at(1, 2)), Theirs);
}

#[test]
fn the_result_of_the_later_presentation_wins() {
    let born_of = |presentation, token| {
        let mut live = live(1, 2);
        (live.born_of, live.payload) = (presentation, Refresh(token));
        record(live)
    };
    assert_eq!(compare_records(&born_of(2, 20), &born_of(1, 10)), Ours);
    assert_eq!(compare_records(&born_of(1, 10), &born_of(2, 20)), Theirs);
    assert_eq!(compare_records(&born_of(1, 10), &born_of(1, 20)), Theirs);
}

#[test]
fn a_refusal_that_a_failover_has_lost_stands() {
    let refused = record(dead(live(1, 1)));
    assert_eq!(compare_records(&refused, &at(1, 1)), Ours);
    assert_eq!(compare_records(&at(1, 1), &refused), Theirs);
    assert_eq!(compare_records(&refused, &refused), Theirs);
    let attempted = attempted(live(1, 1), attempt(1, ME));
    let restored = merged(&refused, &attempted, false);
    assert!(restored.live().is_some_and(Live::is_dead));
}

#[test]
fn a_refusal_is_not_final_while_another_attempt_is_in_flight() {
    let attempted = attempted(live(1, 1), attempt(2, OTHER));
    let both = merged(&record(dead(live(1, 1))), &attempted, true);
    let both_live = both.live().unwrap();
    assert!(both_live.attempt.is_some() && !both_live.is_dead());
    assert_eq!(both_live.reauthorize(), None);
    assert_eq!(merged(&attempted, &both, false), both);
    assert_eq!(merged(&both, &at(1, 2), true), at(1, 2));
}

#[test]
fn a_tombstone_ends_its_login_and_no_later_one() {
    for generation in [1, 2, 3] {
        assert_eq!(compare_records(&at(1, generation), &ended(1, 2)), Theirs);
        assert_eq!(compare_records(&ended(1, 2), &at(1, generation)), Ours);
    }
    assert_eq!(compare_records(&at(2, 1), &ended(1, 2)), Ours);
    assert_eq!(compare_records(&ended(1, 3), &ended(1, 2)), Ours);
    assert_eq!(compare_records(&ended(1, 2), &ended(1, 3)), Theirs);
}

#[test]
fn a_tombstone_takes_over_and_revokes_later_generations() {
    let learned = merged(&at(1, 3), &ended(1, 2), false);
    assert_eq!(
        (learned.generation(), &*learned.revoke),
        (3, &[Refresh(3)][..])
    );
    let known = merged(&at(1, 2), &ended(1, 2), false);
    assert_eq!(known, ended(1, 2));
    // Tokens that have just arrived are unknown to it even if it knows their generation.
    assert_eq!(merged(&at(1, 2), &ended(1, 2), true).revoke, [Refresh(2)]);
    assert_eq!(merged(&at(2, 1), &ended(1, 2), false), at(2, 1));
}

#[test]
fn a_replaced_login_is_revoked_by_the_process_that_replaces_it() {
    assert_eq!(merged(&at(2, 1), &at(1, 3), true).revoke, [Refresh(3)]);
    assert_eq!(merged(&at(2, 1), &at(1, 3), false).revoke, []);
    let cx = MergeContext {
        rules: &Rules {
            revokes_alone: false,
            ..rules()
        },
        wall: 0,
        unwritten: true,
        is_over: &|_| false,
    };
    assert_eq!(merge(&at(2, 1), &at(1, 3), cx).record.revoke, []);
}

#[test]
fn the_newest_login_in_flight_survives_a_write() {
    let theirs = with_login(at(1, 1), 2, OTHER);
    assert_eq!(merged(&at(1, 1), &theirs, false), theirs);
    let mine = with_login(at(1, 1), 3, ME);
    let rules = rules();
    let cx = attempting(&rules, 0);
    let both = merge(&mine, &theirs, cx).record;
    assert_eq!(both.login, mine.login);
    // A newer authorization ends it.
    assert_eq!(merged(&at(2, 1), &theirs, false).login, None);
}

#[test]
fn a_finished_login_is_not_restored() {
    // Its own process knows that the login is finished.
    assert_eq!(
        merged(&at(1, 1), &with_login(at(1, 1), 2, ME), false).login,
        None
    );
    // Another process has withdrawn it.
    assert_eq!(
        merged(&with_login(at(1, 1), 2, OTHER), &at(1, 1), false).login,
        None
    );
}

#[test]
fn a_known_outcome_beats_its_attempt() {
    let mut noted = live(1, 1);
    (noted.unanswered, noted.presented) = (true, 1);
    noted.failures = Failures {
        count: 1,
        ..Failures::default()
    };
    let noted = record(noted);
    let theirs = attempted(live(1, 1), attempt(1, ME));
    assert_eq!(merged(&noted, &theirs, true), noted);
    // Another process's attempt stands.
    let others = attempted(live(1, 1), attempt(1, OTHER));
    let expected = others.live().and_then(|live| live.attempt.clone());
    let stands = merged(&noted, &others, true);
    assert_eq!(
        stands.live().and_then(|live| live.attempt.clone()),
        expected
    );
}

#[test]
fn a_replaced_attempt_is_not_restored() {
    let ours = attempted(live(1, 1), attempt(2, OTHER));
    let theirs = attempted(live(1, 1), attempt(1, ME));
    let merged = merged(&ours, &theirs, false);
    assert_eq!(merged.live().and_then(|live| live.attempt.clone()), None);
}

#[test]
fn knowledge_of_presentations_is_merged() {
    let (mut mine, mut other) = (live(1, 1), live(1, 1));
    (mine.unanswered, mine.presented) = (true, 1);
    other.presented = 2;
    let merged = merged(&record(mine), &record(other), false);
    let known = merged.live().map(|live| (live.unanswered, live.presented));
    assert_eq!(known, Some((true, 2)));
}

#[test]
fn pending_revocations_survive_a_store_that_went_back() {
    let mut ours = ended(1, 1);
    ours.revoke = vec![Refresh(1)];
    let restored = merged(&ours, &at(1, 1), false);
    assert_eq!(restored, ours);
    // Otherwise another process may have finished them.
    assert_eq!(merged(&ours, &ended(1, 1), false).revoke, []);
}

#[test]
fn a_used_flow_is_remembered_until_it_ends() {
    let flow = |id, ends| Flow {
        id: Id([id; 16]),
        ends,
    };
    let used = |flows: &[Flow]| {
        let mut record = at(1, 1);
        flows.iter().for_each(|flow| record.use_flow(*flow));
        record
    };
    let hour = 60 * 60 * 1000;
    let (long, short) = (flow(1, 2 * hour), flow(2, hour));
    let rules = rules();
    let cx = attempting(&rules, 2 * hour + 1);
    let ours = used(&[long, short]);
    assert_eq!(merge(&ours, &at(1, 2), cx).record.used_flows, [long]);
    assert_eq!(merge(&at(1, 2), &ours, cx).record.used_flows, [short, long]);
    assert_eq!(merge(&ours, &ours, cx).record, ours);
    let many: Vec<_> = (0..20).map(|id| flow(id, hour)).collect();
    assert_eq!(used(&many).used_flows, many[4..]);
    let others: Vec<_> = (10..30).map(|id| flow(id, hour)).collect();
    assert_converges(used(&many), used(&others));
}

/// Lets two processes compare their memory with one store in turn: they stop writing.
fn assert_converges(mut mine: Record<Refresh>, mut other: Record<Refresh>) {
    let (mut store, mut writes) = (at(1, 1), 0);
    for _ in 0..10 {
        for memory in [&mut mine, &mut other] {
            let found = merged(memory, &store, false);
            writes += usize::from(found != store);
            (store, *memory) = (found.clone(), found);
        }
    }
    assert!(writes <= 4, "{writes} writes");
}

#[test]
fn two_causes_of_one_refusal_converge() {
    let refused = |code: &str| {
        let mut live = live(1, 1);
        live.health = Health::Dead(Cause::Refused(Some(code.to_owned())));
        record(live)
    };
    assert_converges(refused("a"), refused("b"));
}

#[test]
fn the_flow_of_a_replaced_login_counts_as_used() {
    let mine = with_login(at(1, 1), 3, ME);
    let flow = mine.login.unwrap().flow();
    let theirs = with_login(at(1, 1), 4, OTHER);
    let rules = rules();
    let cx = attempting(&rules, 0);
    let both = merge(&mine, &theirs, cx).record;
    assert_eq!(
        (both.login, both.used_flows.clone()),
        (theirs.login, vec![flow])
    );
    let overtaken = merge(&mine, &at(5, 1), cx).record;
    assert_eq!(
        (overtaken.login, overtaken.used_flows.clone()),
        (None, vec![flow])
    );
}
