//! The judge must find what it is there to find: runs that are made up, with one thing wrong in each.

use super::{Evidence, Life, Shown, ShownOutcome, Span, Stage, Trouble, Verdict, judge};
use crate::said::{End, Grant, Line, Mark, Micros, PutOutcome, Said};

const SECOND: Micros = 1_000_000;

/// The refresh token that is presented, and the one that comes in its place.
const OLD: Mark = Mark(1);
const NEW: Mark = Mark(2);

/// A run with one account, which somebody connected and which works in the end.
#[derive(Default)]
struct Case {
    evidence: Evidence,
    order: u64,
}

impl Case {
    fn new() -> Self {
        let mut case = Self::default();
        let login = Said::Login {
            account: 0,
            code: Mark(100),
        };
        case.say("0.1", 0, login);
        case.redeem("0.1", 0, Mark(100), OLD);
        let over = Said::LoginOver {
            account: 0,
            error: None,
        };
        case.say("0.1", 1, over);
        case.put("0.1", 1, OLD, "login", false);
        case.evidence.ends.insert(0, End::Works);
        case
    }

    fn say(&mut self, worker: &str, at: Micros, said: Said) {
        self.life(worker).lines.push(Line { at, said });
    }

    /// A code is exchanged.
    fn redeem(&mut self, worker: &str, at: Micros, code: Mark, gave: Mark) {
        let grant = Grant::Code;
        let send = at;
        let mark = code;
        self.say(worker, at, Said::Sent { send, grant, mark });
        self.come_back(worker, send, at, Some(200), Some(gave));
    }

    fn life(&mut self, worker: &str) -> &mut Life {
        self.evidence.lives.entry(worker.to_owned()).or_default()
    }

    fn put(&mut self, worker: &str, at: Micros, mark: Mark, version: &str, dead: bool) {
        let put = Said::Put {
            account: 0,
            began: at,
            version: version.to_owned(),
            outcome: PutOutcome::Applied,
            carries: vec![mark],
            dead,
        };
        self.say(worker, at, put);
    }

    /// An attempt is written, and the token presented.
    fn present(&mut self, worker: &str, at: Micros, outcome: ShownOutcome) {
        let version = format!("claim of {worker} at {at}");
        self.put(worker, at, OLD, &version, false);
        self.present_unclaimed(worker, at, outcome);
    }

    fn present_unclaimed(&mut self, worker: &str, at: Micros, outcome: ShownOutcome) {
        self.order += 1;
        let sent = Said::Sent {
            send: at,
            grant: Grant::Refresh,
            mark: OLD,
        };
        self.say(worker, at, sent);
        self.evidence.presentations.push(Shown {
            order: self.order,
            mark: OLD,
            worker: worker.to_owned(),
            send: at,
            began: at,
            ended: Some(at + 1),
            abandoned: false,
            outcome,
            concurrent: 0,
            after_answer: false,
        });
    }

    /// The answer to what was sent at `sent`.
    fn answer(&mut self, worker: &str, sent: Micros, at: Micros, gave: Option<Mark>) {
        let status = if gave.is_some() { 200 } else { 400 };
        self.come_back(worker, sent, at, Some(status), gave);
    }

    fn come_back(
        &mut self,
        worker: &str,
        send: Micros,
        at: Micros,
        status: Option<u16>,
        gave: Option<Mark>,
    ) {
        self.say(worker, at, Said::Answered { send, status, gave });
    }

    fn judge(&self) -> Verdict {
        judge(&self.evidence, 1)
    }

    #[track_caller]
    fn holds(&self) -> Verdict {
        let verdict = self.judge();
        assert_eq!(verdict.violations, []);
        verdict
    }

    #[track_caller]
    fn is_broken(&self, part: &str) {
        let violations = self.judge().violations;
        let found = violations.iter().any(|v| v.text.contains(part));
        assert!(found, "{part:?} is not in {violations:?}");
    }
}

/// A refresh as it should be.
fn a_refresh() -> Case {
    let mut case = Case::new();
    case.present("0.1", SECOND, ShownOutcome::Granted);
    case.answer("0.1", SECOND, SECOND + 5, Some(NEW));
    case.put("0.1", SECOND + 6, NEW, "new", false);
    case
}

#[test]
fn a_refresh_that_is_written_holds() {
    let verdict = a_refresh().holds();
    assert_eq!((verdict.refreshes, verdict.logins), (1, 1));
    assert!(verdict.losses.is_empty() && verdict.repeats.is_empty());
}

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
                what: "a cut".into(),
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
    let login = Said::Login {
        account: 0,
        code: Mark(101),
    };
    case.say("1.1", SECOND + 1, login);
    case.redeem("1.1", SECOND + 1, Mark(101), Mark(50));
    case.put("1.1", SECOND + 3, Mark(50), "newer", false);
    let over = Said::LoginOver {
        account: 0,
        error: None,
    };
    case.say("1.1", SECOND + 4, over);
    assert!(case.holds().losses.is_empty());
}

#[test]
fn a_process_that_is_killed_over_an_answer_names_the_loss() {
    let mut case = Case::new();
    case.present("0.1", SECOND, ShownOutcome::Granted);
    case.life("0.1").killed = Some(SECOND + 3);
    let stages =
        |case: &Case| -> Vec<Stage> { case.holds().losses.iter().map(|loss| loss.stage).collect() };
    assert_eq!(stages(&case), [Stage::BeforeAnswer]);
    case.answer("0.1", SECOND, SECOND + 2, Some(NEW));
    assert_eq!(stages(&case), [Stage::BeforeWrite]);
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
    case.come_back("0.1", SECOND, 3 * SECOND, None, None);
    case.is_broken("took it for no answer");
    case.evidence.presentations[0].ended = Some(3 * SECOND);
    assert_eq!(case.holds().losses[0].stage, Stage::Late);
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
    case.say("0.1", 9 * SECOND, Said::Ending { account: 0 });
    case.holds();
}

#[test]
fn a_login_that_was_never_written_does_not_undo_a_disconnect() {
    let mut case = a_refresh();
    case.say("0.1", 5 * SECOND, Said::Ending { account: 0 });
    let over = Said::EndingOver {
        account: 0,
        error: None,
    };
    case.say("0.1", 5 * SECOND + 1, over);
    case.evidence.ends.insert(0, End::Disconnected);
    case.holds();
    let login = Said::Login {
        account: 0,
        code: Mark(101),
    };
    case.say("0.1", 7 * SECOND, login);
    case.redeem("0.1", 7 * SECOND, Mark(101), Mark(50));
    let over = Said::LoginOver {
        account: 0,
        error: None,
    };
    case.say("0.1", 7 * SECOND + 2, over);
    case.life("0.1").killed = Some(7 * SECOND + 9);
    let verdict = case.holds();
    assert_eq!(verdict.losses[0].stage, Stage::Login);
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
