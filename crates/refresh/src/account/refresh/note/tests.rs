//! Tests of the failures and the health that answers leave.

use std::time::Duration;

use super::*;
use crate::{
    Id, Rules, Times,
    record::{Authorization, Failures},
    rules::tests::rules,
};

/// A token set without properties.
#[derive(Clone, Debug, PartialEq)]
struct Tokens;

impl Payload for Tokens {
    fn refresh_digest(&self) -> Option<u64> {
        Some(1)
    }

    fn times(&self) -> Times {
        Times::default()
    }
}

fn live() -> Live<Tokens> {
    let authorization = Authorization {
        number: 1,
        id: Id([1; 16]),
    };
    Live::first(authorization, Tokens)
}

/// Notes an answer at wall time 1,000 ms, with half of the jitter.
fn note(live: &mut Live<Tokens>, answer: Answer<Tokens>, rules: &Rules) -> Failure {
    live.note(answer, None, rules, 1000, 0.5)
}

fn transient(retry_after: Option<Duration>, may_have_redeemed: bool) -> Answer<Tokens> {
    Answer::Transient {
        retry_after,
        may_have_redeemed,
    }
}

#[test]
fn a_refusal_of_the_grant_ends_the_account() {
    let mut live = live();
    let code = Some("invalid_grant".to_owned());
    let cause = Cause::Refused(code.clone());
    let failure = note(&mut live, Answer::Terminal { code }, &rules());
    assert_eq!(failure, Failure::Reauthorize(cause.clone()));
    assert_eq!(live.health, Health::Dead(cause));
}

#[test]
fn a_refusal_after_a_lost_answer_names_the_lost_answer() {
    for lost in [Answer::Ambiguous, Answer::TimedOut, transient(None, true)] {
        let mut live = live();
        note(&mut live, lost, &rules());
        note(&mut live, transient(None, false), &rules());
        note(&mut live, Answer::Terminal { code: None }, &rules());
        assert_eq!(live.health, Health::Dead(Cause::ResponseLost));
    }
}

#[test]
fn the_first_cut_connection_leads_to_no_pause() {
    let mut live = live();
    note(&mut live, Answer::Ambiguous, &rules());
    assert_eq!((live.unanswered, live.failures.pause), (true, 0));
    note(&mut live, Answer::Ambiguous, &rules());
    assert_eq!(live.failures.pause, 1000);
}

#[test]
fn a_timeout_pauses_for_a_lease() {
    let mut live = live();
    note(&mut live, Answer::TimedOut, &rules());
    assert_eq!(live.failures.pause, 60_000);
    assert!(live.failures.firm && live.unanswered);
    note(&mut live, transient(None, false), &rules());
    assert!(!live.failures.firm);
}

#[test]
fn a_retry_after_sets_a_firm_pause() {
    let mut live = live();
    let minute = Duration::from_secs(60);
    let failure = note(&mut live, transient(Some(minute), false), &rules());
    assert_eq!(failure, Failure::Backoff(minute));
    assert_eq!(live.failures.pause, 60_000);
    assert!(live.failures.firm && !live.unanswered);
}

#[test]
fn a_refusal_without_a_reason_never_ends_an_account() {
    let mut live = live();
    for _ in 0..100 {
        note(&mut live, Answer::Unexplained, &rules());
    }
    assert_eq!(live.health, Health::Alive);
    assert_eq!(live.failures.refused_since, Some(1000));
    // Half of the jitter makes three quarters of an hour.
    assert_eq!(live.failures.pause, 2_700_000);
}

#[test]
fn patience_with_refusals_ends_after_a_lost_answer() {
    let mut live = live();
    note(&mut live, Answer::Ambiguous, &rules());
    let mut patient = 0;
    while note(&mut live, Answer::Unexplained, &rules())
        != Failure::Reauthorize(Cause::ResponseLost)
    {
        patient += live.failures.pause;
    }
    assert!(patient >= 900_000);
    assert_eq!(live.health, Health::Suspect(Cause::ResponseLost));
    // The token is still presented now and then, and another answer replaces the suspicion.
    note(&mut live, Answer::Terminal { code: None }, &rules());
    assert_eq!(live.health, Health::Dead(Cause::ResponseLost));
}

#[test]
fn a_refused_client_keeps_the_token_and_is_remembered() {
    let mut live = live();
    let configured = |byte| Rules {
        configuration: Id([byte; 16]),
        ..rules()
    };
    for byte in [1, 2, 1] {
        let failure = note(&mut live, Answer::Configuration, &configured(byte));
        assert_eq!(failure, Failure::Misconfigured);
    }
    let both = vec![Id([2; 16]), Id([1; 16])];
    assert_eq!(live.health, Health::Misconfigured(both));
    for byte in 3..30 {
        note(&mut live, Answer::Configuration, &configured(byte));
    }
    let Health::Misconfigured(remembered) = &live.health else {
        panic!("{:?}", live.health);
    };
    assert_eq!((remembered.len(), remembered[0]), (8, Id([29; 16])));
}

#[test]
fn failures_of_every_kind_are_counted() {
    let mut live = live();
    note(&mut live, Answer::Ambiguous, &rules());
    note(&mut live, Answer::Configuration, &rules());
    note(&mut live, transient(None, false), &rules());
    let expected = Failures {
        count: 3,
        pause: 2000,
        noted: 1000,
        ..Failures::default()
    };
    assert_eq!(live.failures, expected);
}
