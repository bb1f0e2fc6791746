//! Token sets, accounts and processes.

use super::*;

#[test]
fn written_refresh_is_fine() {
    let verdict = refresh_case().assert_holds();
    assert_eq!((verdict.refreshes, verdict.logins), (1, 1));
    assert!(verdict.losses.is_empty() && verdict.repeats.is_empty());
}

#[test]
fn answer_dropped_by_living_process_is_found() {
    let mut case = Case::new();
    case.present("0.1", SECOND, PresentationOutcome::Granted);
    case.answer("0.1", SECOND, SECOND + 5, Some(NEW));
    case.assert_violation("neither in the store nor superseded");
    // Killed long after the answer, which is no excuse.
    case.log("0.1").killed = Some(20 * SECOND);
    case.assert_violation("neither in the store nor superseded");
}

#[test]
fn login_supersedes_earlier_answer() {
    let mut case = Case::new();
    case.present("0.1", SECOND, PresentationOutcome::Granted);
    case.answer("0.1", SECOND, SECOND + 5, Some(NEW));
    case.log_in("1.1", SECOND + 1);
    assert!(case.assert_holds().losses.is_empty());
}

#[test]
fn kill_during_refresh_names_the_loss() {
    let mut case = Case::new();
    case.present("0.1", SECOND, PresentationOutcome::Granted);
    case.log("0.1").killed = Some(SECOND + 3);
    let stages = |case: &Case| -> Vec<Cause> {
        case.assert_holds()
            .losses
            .iter()
            .map(|loss| loss.cause)
            .collect()
    };
    assert_eq!(stages(&case), [Cause::BeforeAnswer]);
    case.answer("0.1", SECOND, SECOND + 2, Some(NEW));
    assert_eq!(stages(&case), [Cause::BeforeWrite]);
    let lost = FinalState::Lost {
        cause: "refresh response lost".into(),
    };
    case.evidence.final_states.insert(0, lost);
    case.assert_holds();
}

#[test]
fn unread_answer_is_found_and_late_one_is_named() {
    let mut case = Case::new();
    case.present("0.1", SECOND, PresentationOutcome::Granted);
    // Beyond the deadline of eight seconds.
    let late = 11 * SECOND;
    case.respond("0.1", SECOND, late, None, None);
    case.assert_violation("did not read the answer");
    case.evidence.presentations[0].ended = Some(late);
    assert_eq!(case.assert_holds().losses[0].cause, Cause::Late);
}

#[test]
fn wrong_final_state_is_found() {
    let final_states = |end| {
        let mut case = refresh_case();
        case.evidence.final_states.insert(0, end);
        case
    };
    let cause = "refresh token refused".to_owned();
    final_states(FinalState::Lost { cause }).assert_violation("no process was killed over it");
    final_states(FinalState::Disconnected).assert_violation("no user disconnected it");
    final_states(FinalState::NotConnected).assert_violation("its record is missing");
    let why = "time-out".to_owned();
    final_states(FinalState::Stuck { why }).assert_violation("does not work");
    let mut case = refresh_case();
    case.evidence.final_states.clear();
    case.assert_violation("no audit reached it");
    let mut case = final_states(FinalState::Disconnected);
    case.write(
        "0.1",
        9 * SECOND,
        WorkerEvent::DisconnectStarted { op: 1, account: 0 },
    );
    case.assert_holds();
}

#[test]
fn unwritten_login_does_not_undo_disconnect() {
    let mut case = refresh_case();
    case.write(
        "0.1",
        5 * SECOND,
        WorkerEvent::DisconnectStarted { op: 1, account: 0 },
    );
    let over = WorkerEvent::DisconnectFinished {
        op: 1,
        account: 0,
        error: None,
    };
    case.write("0.1", 5 * SECOND + 1, over);
    case.evidence
        .final_states
        .insert(0, FinalState::Disconnected);
    case.assert_holds();
    let login = WorkerEvent::LoginStarted {
        op: 2,
        account: 0,
        code: Fingerprint(101),
    };
    case.write("0.1", 7 * SECOND, login);
    case.redeem("0.1", 7 * SECOND, Fingerprint(101), Fingerprint(50));
    let over = WorkerEvent::LoginFinished {
        op: 2,
        account: 0,
        error: None,
    };
    case.write("0.1", 7 * SECOND + 2, over);
    case.log("0.1").killed = Some(7 * SECOND + 9);
    let verdict = case.assert_holds();
    assert_eq!(verdict.losses[0].cause, Cause::Login);
    case.put("0.1", 7 * SECOND + 5, Fingerprint(50), "newer", false);
    case.assert_violation("no user disconnected it");
}

#[test]
fn unwritten_account_and_failed_worker_are_found() {
    let mut case = refresh_case();
    let unwritten = vec![0];
    case.write("0.1", 9 * SECOND, WorkerEvent::Shutdown { unwritten });
    case.assert_violation("ended with an unwritten account");
    let mut case = refresh_case();
    case.log("0.1").problem = Some("it ended with exit status: 101".into());
    case.assert_violation("exit status: 101");
}

#[test]
fn dead_record_without_refusal_is_found() {
    let mut case = Case::new();
    case.put("0.1", SECOND, OLD, "dead", true);
    case.assert_violation("without a refusal");
}

#[test]
fn return_of_older_token_is_found() {
    let mut case = refresh_case();
    case.put("1.1", 2 * SECOND, OLD, "old", false);
    case.assert_violation("written over its successor");
}

#[test]
fn login_long_after_dropped_answer_is_no_excuse() {
    let mut case = Case::new();
    case.present("0.1", SECOND, PresentationOutcome::Granted);
    case.answer("0.1", SECOND, SECOND + 5, Some(NEW));
    case.log_in("1.1", 6 * SECOND);
    case.assert_violation("neither in the store nor superseded");
}

#[test]
fn overlapping_logins_end_separately() {
    let mut case = Case::new();
    let (first, second) = (Fingerprint(101), Fingerprint(102));
    for (op, code) in [(1, first), (2, second)] {
        case.write(
            "1.1",
            SECOND,
            WorkerEvent::LoginStarted {
                op,
                account: 0,
                code,
            },
        );
    }
    let over = |op| WorkerEvent::LoginFinished {
        op,
        account: 0,
        error: None,
    };
    case.write("1.1", SECOND + 1, over(1));
    case.present("0.1", 2 * SECOND, PresentationOutcome::Granted);
    case.answer("0.1", 2 * SECOND, 2 * SECOND + 5, Some(NEW));
    case.assert_violation("neither in the store nor superseded");
    case.redeem("1.1", 2 * SECOND, second, Fingerprint(50));
    case.put("1.1", 2 * SECOND + 2, Fingerprint(50), "newer", false);
    case.write("1.1", 2 * SECOND + 3, over(2));
    case.assert_holds();
}

#[test]
fn login_takes_effect_when_it_is_written() {
    let mut case = Case::new();
    let (op, account, code, error) = (1, 0, Fingerprint(101), None);
    case.write(
        "1.1",
        SECOND,
        WorkerEvent::LoginStarted { op, account, code },
    );
    case.redeem("1.1", SECOND, code, Fingerprint(50));
    case.write(
        "1.1",
        SECOND + 1,
        WorkerEvent::LoginFinished { op, account, error },
    );
    case.present("0.1", 3 * SECOND, PresentationOutcome::Granted);
    case.answer("0.1", 3 * SECOND, 3 * SECOND + 5, Some(NEW));
    case.assert_violation("neither in the store nor superseded");
    case.put("1.1", 3 * SECOND + 1, Fingerprint(50), "newer", false);
    case.assert_holds();
}

#[test]
fn abandoned_disconnect_may_take_effect_a_little_later() {
    let late = |claimed| {
        let mut case = Case::new();
        let (op, account) = (1, 0);
        case.write(
            "1.1",
            SECOND,
            WorkerEvent::DisconnectStarted { op, account },
        );
        let error = Some("time-out".to_owned());
        case.write(
            "1.1",
            2 * SECOND,
            WorkerEvent::DisconnectFinished { op, account, error },
        );
        case.present("0.1", claimed, PresentationOutcome::Granted);
        case.answer("0.1", claimed, claimed + 5, Some(NEW));
        case
    };
    late(3 * SECOND).assert_holds();
    late(9 * SECOND).assert_violation("neither in the store nor superseded");
}

#[test]
fn stopped_time_does_not_count_towards_deadline() {
    let mut case = Case::new();
    case.present("0.1", SECOND, PresentationOutcome::Granted);
    case.log("0.1").stops.push(Span {
        from: SECOND,
        to: 6 * SECOND,
    });
    case.evidence.presentations[0].ended = Some(6 * SECOND + SECOND / 2);
    case.respond("0.1", SECOND, 7 * SECOND, None, None);
    case.assert_violation("did not read the answer");
}
