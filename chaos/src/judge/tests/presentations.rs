//! What may be presented again, and what not.

use super::*;

#[test]
fn a_presentation_within_anothers_lease_is_found() {
    let mut case = a_refresh();
    case.life("0.1").stops.push(Span {
        from: SECOND,
        to: 9 * SECOND,
    });
    case.present("1.1", 2 * SECOND, ShownOutcome::Refused);
    case.answer("1.1", 2 * SECOND, 2 * SECOND + 5, None);
    case.is_broken("while the lease of the first ran");
}

/// The holder is held up in the middle, and another presents the token after the lease.
fn after_the_lease(hold_up: impl FnOnce(&mut Case)) -> Case {
    let mut case = Case::new();
    case.present("0.1", SECOND, ShownOutcome::Granted);
    case.present("1.1", 5 * SECOND, ShownOutcome::Refused);
    case.answer("1.1", 5 * SECOND, 5 * SECOND + 5, None);
    case.answer("0.1", SECOND, 8 * SECOND, Some(NEW));
    case.put("0.1", 8 * SECOND + 1, NEW, "new", false);
    hold_up(&mut case);
    case
}

#[test]
fn a_holder_that_is_stopped_past_its_lease_is_within_the_rule() {
    let case = after_the_lease(|case| {
        case.life("0.1").stops.push(Span {
            from: SECOND,
            to: 8 * SECOND,
        });
    });
    let verdict = case.holds();
    assert_eq!(verdict.repeats.len(), 1);
    assert!(verdict.repeats[0].why.contains("stopped"));
}

#[test]
fn a_holder_that_is_cut_off_from_the_store_is_within_the_rule() {
    let cut = |slot| {
        move |case: &mut Case| {
            case.life("1.1").slot = 1;
            case.evidence.troubles.push(Trouble {
                span: Span {
                    from: SECOND,
                    to: 8 * SECOND,
                },
                what: "a cut",
                slot,
            });
        }
    };
    after_the_lease(cut(Some(0))).holds();
    after_the_lease(cut(None)).holds();
    after_the_lease(cut(Some(1))).is_broken("nothing held up");
}

#[test]
fn a_lease_that_runs_out_for_no_reason_is_found() {
    after_the_lease(|_| {}).is_broken("nothing held up");
}

#[test]
fn a_presentation_when_the_new_tokens_are_written_is_found() {
    let mut case = a_refresh();
    case.life("0.1").killed = Some(2 * SECOND);
    case.present("1.1", 9 * SECOND, ShownOutcome::Refused);
    case.answer("1.1", 9 * SECOND, 9 * SECOND + 5, None);
    case.is_broken("when the new tokens were in the store");
}

#[test]
fn a_presentation_when_the_refusal_is_written_is_found() {
    let mut case = Case::new();
    case.present("0.1", SECOND, ShownOutcome::Refused);
    case.answer("0.1", SECOND, SECOND + 5, None);
    case.put("0.1", SECOND + 6, OLD, "dead", true);
    case.life("0.1").killed = Some(2 * SECOND);
    case.present("1.1", 9 * SECOND, ShownOutcome::Refused);
    case.answer("1.1", 9 * SECOND, 9 * SECOND + 5, None);
    case.is_broken("said that it was refused");
}

#[test]
fn a_process_that_presents_again_what_it_has_the_answer_to_is_found() {
    let mut case = a_refresh();
    case.present("0.1", 9 * SECOND, ShownOutcome::Refused);
    case.answer("0.1", 9 * SECOND, 9 * SECOND + 5, None);
    case.is_broken("by the process that had the answer");
}

#[test]
fn a_process_that_presents_again_while_it_waits_is_found() {
    let mut case = a_refresh();
    case.present("0.1", SECOND + 3, ShownOutcome::Refused);
    case.answer("0.1", SECOND + 3, SECOND + 9, None);
    case.is_broken("still waited for the answer");
}

#[test]
fn what_came_back_undecided_may_be_presented_at_once() {
    let mut case = Case::new();
    case.present("0.1", SECOND, ShownOutcome::Unseen);
    case.come_back("0.1", SECOND, SECOND + 5, Some(503), None);
    case.present("0.1", SECOND + 9, ShownOutcome::Granted);
    case.answer("0.1", SECOND + 9, SECOND + 12, Some(NEW));
    case.put("0.1", SECOND + 15, NEW, "new", false);
    assert_eq!(case.holds().repeats.len(), 1);
}

#[test]
fn a_presentation_without_a_written_attempt_is_found() {
    let mut case = Case::new();
    case.present_unclaimed("1.1", SECOND, ShownOutcome::Granted);
    case.answer("1.1", SECOND, SECOND + 5, Some(NEW));
    case.put("1.1", SECOND + 6, NEW, "new", false);
    case.is_broken("no attempt was written first");
}

/// Another claims after the lease of a sleeper, and presents first.
fn a_sleeper(others: Micros, hold_up: impl FnOnce(&mut Case)) -> Case {
    let mut case = Case::new();
    case.put("0.1", SECOND, OLD, "claim of the sleeper", false);
    case.present("1.1", others, ShownOutcome::Granted);
    case.answer("1.1", others, others + 5, Some(NEW));
    case.put("1.1", others + 6, NEW, "new", false);
    case.present_unclaimed("0.1", 8 * SECOND, ShownOutcome::Refused);
    case.answer("0.1", 8 * SECOND, 8 * SECOND + 5, None);
    hold_up(&mut case);
    case
}

#[test]
fn a_sleeper_that_wakes_between_claim_and_presentation_is_within_the_rule() {
    let stop = |case: &mut Case| {
        case.life("0.1").stops.push(Span {
            from: SECOND + 1,
            to: 8 * SECOND,
        });
    };
    assert_eq!(a_sleeper(5 * SECOND, stop).holds().repeats.len(), 1);
    a_sleeper(2 * SECOND, stop).is_broken("while its lease ran");
    a_sleeper(5 * SECOND, |_| {}).is_broken("was not stopped");
}
