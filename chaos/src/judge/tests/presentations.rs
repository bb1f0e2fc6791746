//! Repeated presentations, allowed and forbidden.

use super::*;

#[test]
fn presentation_within_lease_of_another_is_found() {
    let mut case = refresh_case();
    case.log("0.1").stops.push(Span {
        from: SECOND,
        to: 9 * SECOND,
    });
    case.present("1.1", 2 * SECOND, PresentationOutcome::Refused);
    case.answer("1.1", 2 * SECOND, 2 * SECOND + 5, None);
    case.assert_violation("while the lease of the first ran");
}

/// Returns a run in which another process presents the token after the holder's lease.
fn after_the_lease(hold_up: impl FnOnce(&mut Case)) -> Case {
    let mut case = Case::new();
    case.present("0.1", SECOND, PresentationOutcome::Granted);
    case.present("1.1", 5 * SECOND, PresentationOutcome::Refused);
    case.answer("1.1", 5 * SECOND, 5 * SECOND + 5, None);
    case.answer("0.1", SECOND, 8 * SECOND, Some(NEW));
    case.put("0.1", 8 * SECOND + 1, NEW, "new", false);
    hold_up(&mut case);
    case
}

#[test]
fn holder_stopped_past_its_lease_is_allowed() {
    let case = after_the_lease(|case| {
        case.log("0.1").stops.push(Span {
            from: SECOND,
            to: 8 * SECOND,
        });
    });
    let verdict = case.assert_holds();
    assert_eq!(verdict.repeats.len(), 1);
    assert!(verdict.repeats[0].why.contains("stopped"));
}

#[test]
fn holder_cut_off_from_store_is_allowed() {
    let cut = |slot| {
        move |case: &mut Case| {
            case.log("1.1").slot = 1;
            case.evidence.disturbances.push(Disturbance {
                span: Span {
                    from: SECOND,
                    to: 8 * SECOND,
                },
                what: "a cut",
                slot,
            });
        }
    };
    after_the_lease(cut(Some(0))).assert_holds();
    after_the_lease(cut(None)).assert_holds();
    after_the_lease(cut(Some(1))).assert_violation("was not delayed");
}

#[test]
fn lease_that_expires_without_reason_is_found() {
    after_the_lease(|_| {}).assert_violation("was not delayed");
}

#[test]
fn presentation_after_written_tokens_is_found() {
    let mut case = refresh_case();
    case.log("0.1").killed = Some(2 * SECOND);
    case.present("1.1", 9 * SECOND, PresentationOutcome::Refused);
    case.answer("1.1", 9 * SECOND, 9 * SECOND + 5, None);
    case.assert_violation("when the store had the new tokens");
}

#[test]
fn presentation_after_written_refusal_is_found() {
    let mut case = Case::new();
    case.present("0.1", SECOND, PresentationOutcome::Refused);
    case.answer("0.1", SECOND, SECOND + 5, None);
    case.put("0.1", SECOND + 6, OLD, "dead", true);
    case.log("0.1").killed = Some(2 * SECOND);
    case.present("1.1", 9 * SECOND, PresentationOutcome::Refused);
    case.answer("1.1", 9 * SECOND, 9 * SECOND + 5, None);
    case.assert_violation("when the store had the refusal");
}

#[test]
fn repetition_by_process_with_answer_is_found() {
    let mut case = refresh_case();
    case.present("0.1", 9 * SECOND, PresentationOutcome::Refused);
    case.answer("0.1", 9 * SECOND, 9 * SECOND + 5, None);
    case.assert_violation("by the process that had the answer");
}

#[test]
fn repetition_by_waiting_process_is_found() {
    let mut case = refresh_case();
    case.present("0.1", SECOND + 3, PresentationOutcome::Refused);
    case.answer("0.1", SECOND + 3, SECOND + 9, None);
    case.assert_violation("still waited for the answer");
}

#[test]
fn undecided_presentation_may_be_repeated_at_once() {
    let mut case = Case::new();
    case.present("0.1", SECOND, PresentationOutcome::Unseen);
    case.respond("0.1", SECOND, SECOND + 5, Some(503), None);
    case.present("0.1", SECOND + 9, PresentationOutcome::Granted);
    case.answer("0.1", SECOND + 9, SECOND + 12, Some(NEW));
    case.put("0.1", SECOND + 15, NEW, "new", false);
    assert_eq!(case.assert_holds().repeats.len(), 1);
}

#[test]
fn presentation_without_written_attempt_is_found() {
    let mut case = Case::new();
    case.present_unclaimed("1.1", SECOND, PresentationOutcome::Granted);
    case.answer("1.1", SECOND, SECOND + 5, Some(NEW));
    case.put("1.1", SECOND + 6, NEW, "new", false);
    case.assert_violation("presented without a written attempt");
}

/// Returns a run in which another process claims after a sleeper's lease, and presents first.
fn sleeper_case(others: Micros, hold_up: impl FnOnce(&mut Case)) -> Case {
    let mut case = Case::new();
    case.put("0.1", SECOND, OLD, "claim of the sleeper", false);
    case.present("1.1", others, PresentationOutcome::Granted);
    case.answer("1.1", others, others + 5, Some(NEW));
    case.put("1.1", others + 6, NEW, "new", false);
    case.present_unclaimed("0.1", 8 * SECOND, PresentationOutcome::Refused);
    case.answer("0.1", 8 * SECOND, 8 * SECOND + 5, None);
    hold_up(&mut case);
    case
}

#[test]
fn sleeper_between_claim_and_presentation_is_allowed() {
    let stop = |case: &mut Case| {
        case.log("0.1").stops.push(Span {
            from: SECOND + 1,
            to: 8 * SECOND,
        });
    };
    assert_eq!(
        sleeper_case(5 * SECOND, stop).assert_holds().repeats.len(),
        1
    );
    sleeper_case(2 * SECOND, stop).assert_violation("while its lease ran");
    sleeper_case(5 * SECOND, |_| {}).assert_violation("was not stopped");
}
