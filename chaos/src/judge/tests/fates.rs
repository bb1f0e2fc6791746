//! What became of token sets, accounts and processes.

use super::*;

#[test]
fn a_refresh_that_is_written_holds() {
    let verdict = a_refresh().holds();
    assert_eq!((verdict.refreshes, verdict.logins), (1, 1));
    assert!(verdict.losses.is_empty() && verdict.repeats.is_empty());
}

#[test]
fn an_answer_that_a_living_process_drops_is_found() {
    let mut case = Case::new();
    case.present("0.1", SECOND, ShownOutcome::Granted);
    case.answer("0.1", SECOND, SECOND + 5, Some(NEW));
    case.is_broken("neither in the store nor superseded");
    // Long before its end, which therefore is no reason.
    case.life("0.1").killed = Some(20 * SECOND);
    case.is_broken("neither in the store nor superseded");
}

#[test]
fn an_answer_that_a_login_came_before_is_superseded() {
    let mut case = Case::new();
    case.present("0.1", SECOND, ShownOutcome::Granted);
    case.answer("0.1", SECOND, SECOND + 5, Some(NEW));
    case.log_in("1.1", SECOND + 1);
    assert!(case.holds().losses.is_empty());
}

#[test]
fn a_process_that_is_killed_over_an_answer_names_the_loss() {
    let mut case = Case::new();
    case.present("0.1", SECOND, ShownOutcome::Granted);
    case.life("0.1").killed = Some(SECOND + 3);
    let stages =
        |case: &Case| -> Vec<Cause> { case.holds().losses.iter().map(|loss| loss.cause).collect() };
    assert_eq!(stages(&case), [Cause::BeforeAnswer]);
    case.answer("0.1", SECOND, SECOND + 2, Some(NEW));
    assert_eq!(stages(&case), [Cause::BeforeWrite]);
    let lost = End::Lost {
        cause: "refresh response lost".into(),
    };
    case.evidence.ends.insert(0, lost);
    case.holds();
}

#[test]
fn an_answer_in_time_that_is_not_read_is_found_and_a_late_one_is_named() {
    let mut case = Case::new();
    case.present("0.1", SECOND, ShownOutcome::Granted);
    // Beyond the deadline of eight seconds.
    let late = 11 * SECOND;
    case.come_back("0.1", SECOND, late, None, None);
    case.is_broken("took it for no answer");
    case.evidence.presentations[0].ended = Some(late);
    assert_eq!(case.holds().losses[0].cause, Cause::Late);
}

#[test]
fn an_account_that_ends_otherwise_than_it_should_is_found() {
    let ends = |end| {
        let mut case = a_refresh();
        case.evidence.ends.insert(0, end);
        case
    };
    let cause = "refresh token refused".to_owned();
    ends(End::Lost { cause }).is_broken("nobody was killed over it");
    ends(End::Disconnected).is_broken("nobody disconnected it");
    ends(End::NotConnected).is_broken("its record is gone");
    let why = "time-out".to_owned();
    ends(End::Stuck { why }).is_broken("does not work");
    let mut case = a_refresh();
    case.evidence.ends.clear();
    case.is_broken("nobody could say");
    let mut case = ends(End::Disconnected);
    case.say("0.1", 9 * SECOND, Said::Ending { op: 1, account: 0 });
    case.holds();
}

#[test]
fn a_login_that_was_never_written_does_not_undo_a_disconnect() {
    let mut case = a_refresh();
    case.say("0.1", 5 * SECOND, Said::Ending { op: 1, account: 0 });
    let over = Said::EndingOver {
        op: 1,
        account: 0,
        error: None,
    };
    case.say("0.1", 5 * SECOND + 1, over);
    case.evidence.ends.insert(0, End::Disconnected);
    case.holds();
    let login = Said::Login {
        op: 2,
        account: 0,
        code: Mark(101),
    };
    case.say("0.1", 7 * SECOND, login);
    case.redeem("0.1", 7 * SECOND, Mark(101), Mark(50));
    let over = Said::LoginOver {
        op: 2,
        account: 0,
        error: None,
    };
    case.say("0.1", 7 * SECOND + 2, over);
    case.life("0.1").killed = Some(7 * SECOND + 9);
    let verdict = case.holds();
    assert_eq!(verdict.losses[0].cause, Cause::Login);
    case.put("0.1", 7 * SECOND + 5, Mark(50), "newer", false);
    case.is_broken("nobody disconnected it");
}

#[test]
fn what_a_worker_leaves_unwritten_and_an_end_of_its_own_are_found() {
    let mut case = a_refresh();
    let unwritten = vec![0];
    case.say("0.1", 9 * SECOND, Said::Shutdown { unwritten });
    case.is_broken("ended without having written");
    let mut case = a_refresh();
    case.life("0.1").problem = Some("it ended with exit status: 101".into());
    case.is_broken("exit status: 101");
}

#[test]
fn a_mark_without_a_refusal_is_found() {
    let mut case = Case::new();
    case.put("0.1", SECOND, OLD, "dead", true);
    case.is_broken("though not refused");
}

#[test]
fn an_older_token_that_comes_back_is_found() {
    let mut case = a_refresh();
    case.put("1.1", 2 * SECOND, OLD, "old", false);
    case.is_broken("written over what came in its place");
}

#[test]
fn a_login_long_after_a_dropped_answer_is_no_excuse() {
    let mut case = Case::new();
    case.present("0.1", SECOND, ShownOutcome::Granted);
    case.answer("0.1", SECOND, SECOND + 5, Some(NEW));
    case.log_in("1.1", 6 * SECOND);
    case.is_broken("neither in the store nor superseded");
}

#[test]
fn of_two_logins_at_once_each_has_its_own_end() {
    let mut case = Case::new();
    let (first, second) = (Mark(101), Mark(102));
    for (op, code) in [(1, first), (2, second)] {
        case.say(
            "1.1",
            SECOND,
            Said::Login {
                op,
                account: 0,
                code,
            },
        );
    }
    let over = |op| Said::LoginOver {
        op,
        account: 0,
        error: None,
    };
    case.say("1.1", SECOND + 1, over(1));
    case.present("0.1", 2 * SECOND, ShownOutcome::Granted);
    case.answer("0.1", 2 * SECOND, 2 * SECOND + 5, Some(NEW));
    case.is_broken("neither in the store nor superseded");
    case.redeem("1.1", 2 * SECOND, second, Mark(50));
    case.put("1.1", 2 * SECOND + 2, Mark(50), "newer", false);
    case.say("1.1", 2 * SECOND + 3, over(2));
    case.holds();
}

#[test]
fn a_login_that_is_served_from_memory_comes_into_effect_when_it_is_written() {
    let mut case = Case::new();
    let (op, account, code, error) = (1, 0, Mark(101), None);
    case.say("1.1", SECOND, Said::Login { op, account, code });
    case.redeem("1.1", SECOND, code, Mark(50));
    case.say("1.1", SECOND + 1, Said::LoginOver { op, account, error });
    case.present("0.1", 3 * SECOND, ShownOutcome::Granted);
    case.answer("0.1", 3 * SECOND, 3 * SECOND + 5, Some(NEW));
    case.is_broken("neither in the store nor superseded");
    case.put("1.1", 3 * SECOND + 1, Mark(50), "newer", false);
    case.holds();
}

#[test]
fn a_disconnect_that_its_caller_gave_up_may_come_into_effect_a_little_later() {
    let late = |claimed| {
        let mut case = Case::new();
        let (op, account) = (1, 0);
        case.say("1.1", SECOND, Said::Ending { op, account });
        let error = Some("nobody waits that long".to_owned());
        case.say("1.1", 2 * SECOND, Said::EndingOver { op, account, error });
        case.present("0.1", claimed, ShownOutcome::Granted);
        case.answer("0.1", claimed, claimed + 5, Some(NEW));
        case
    };
    late(3 * SECOND).holds();
    late(9 * SECOND).is_broken("neither in the store nor superseded");
}

#[test]
fn the_time_for_which_a_process_was_stopped_is_not_counted() {
    let mut case = Case::new();
    case.present("0.1", SECOND, ShownOutcome::Granted);
    case.life("0.1").stops.push(Span {
        from: SECOND,
        to: 6 * SECOND,
    });
    case.evidence.presentations[0].ended = Some(6 * SECOND + SECOND / 2);
    case.come_back("0.1", SECOND, 7 * SECOND, None, None);
    case.is_broken("took it for no answer");
}
