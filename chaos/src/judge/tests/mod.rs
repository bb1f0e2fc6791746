//! The judge must find what it is there to find: runs that are made up, with one thing wrong in each.

mod fates;
mod presentations;

use super::{Cause, Evidence, Life, Shown, ShownOutcome, Span, Trouble, Verdict, judge};
use crate::{
    mark::Mark,
    said::{End, Grant, Line, Micros, PutOutcome, Said},
};

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
            op: 0,
            account: 0,
            code: Mark(100),
        };
        case.say("0.1", 0, login);
        case.redeem("0.1", 0, Mark(100), OLD);
        let over = Said::LoginOver {
            op: 0,
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

    /// A login of the account, from beginning to end.
    fn log_in(&mut self, worker: &str, at: Micros) {
        let (op, account, code, error) = (at, 0, Mark(101), None);
        self.say(worker, at, Said::Login { op, account, code });
        self.redeem(worker, at, code, Mark(50));
        self.put(worker, at + 2, Mark(50), "newer", false);
        self.say(worker, at + 3, Said::LoginOver { op, account, error });
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
            tombstone: false,
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
