//! Made-up runs with one mistake each, which the check must find.

mod outcomes;
mod presentations;

use super::{
    Cause, Disturbance, Evidence, Presentation, PresentationOutcome, Span, Verdict, WorkerLog,
    judge,
};
use crate::{
    fingerprint::Fingerprint,
    message::{FinalState, Grant, Line, Micros, PutOutcome, WorkerEvent},
};

const SECOND: Micros = 1_000_000;

/// The presented refresh token, and the one issued for it.
const OLD: Fingerprint = Fingerprint(1);
const NEW: Fingerprint = Fingerprint(2);

/// A run with one account, which is connected and works in the end.
#[derive(Default)]
struct Case {
    evidence: Evidence,
    order: u64,
}

impl Case {
    fn new() -> Self {
        let mut case = Self::default();
        let login = WorkerEvent::LoginStarted {
            op: 0,
            account: 0,
            code: Fingerprint(100),
        };
        case.write("0.1", 0, login);
        case.redeem("0.1", 0, Fingerprint(100), OLD);
        let over = WorkerEvent::LoginFinished {
            op: 0,
            account: 0,
            error: None,
        };
        case.write("0.1", 1, over);
        case.put("0.1", 1, OLD, "login", false);
        case.evidence.final_states.insert(0, FinalState::Works);
        case
    }

    fn write(&mut self, worker: &str, at: Micros, event: WorkerEvent) {
        self.log(worker).lines.push(Line { at, event });
    }

    /// Records the exchange of a code.
    fn redeem(&mut self, worker: &str, at: Micros, code: Fingerprint, issued: Fingerprint) {
        let grant = Grant::Code;
        let send = at;
        let token = code;
        self.write(worker, at, WorkerEvent::RequestSent { send, grant, token });
        self.respond(worker, send, at, Some(200), Some(issued));
    }

    /// Records a whole login of the account.
    fn log_in(&mut self, worker: &str, at: Micros) {
        let (op, account, code, error) = (at, 0, Fingerprint(101), None);
        self.write(worker, at, WorkerEvent::LoginStarted { op, account, code });
        self.redeem(worker, at, code, Fingerprint(50));
        self.put(worker, at + 2, Fingerprint(50), "newer", false);
        self.write(
            worker,
            at + 3,
            WorkerEvent::LoginFinished { op, account, error },
        );
    }

    fn log(&mut self, worker: &str) -> &mut WorkerLog {
        self.evidence.workers.entry(worker.to_owned()).or_default()
    }

    fn put(&mut self, worker: &str, at: Micros, token: Fingerprint, version: &str, dead: bool) {
        let put = WorkerEvent::Put {
            account: 0,
            began: at,
            version: version.to_owned(),
            outcome: PutOutcome::Applied,
            tokens: vec![token],
            dead,
            tombstone: false,
        };
        self.write(worker, at, put);
    }

    /// Records a written attempt and the presentation.
    fn present(&mut self, worker: &str, at: Micros, outcome: PresentationOutcome) {
        let version = format!("claim of {worker} at {at}");
        self.put(worker, at, OLD, &version, false);
        self.present_unclaimed(worker, at, outcome);
    }

    fn present_unclaimed(&mut self, worker: &str, at: Micros, outcome: PresentationOutcome) {
        self.order += 1;
        let sent = WorkerEvent::RequestSent {
            send: at,
            grant: Grant::Refresh,
            token: OLD,
        };
        self.write(worker, at, sent);
        self.evidence.presentations.push(Presentation {
            order: self.order,
            token: OLD,
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

    /// Records the answer to the request of `sent`.
    fn answer(&mut self, worker: &str, sent: Micros, at: Micros, issued: Option<Fingerprint>) {
        let status = if issued.is_some() { 200 } else { 400 };
        self.respond(worker, sent, at, Some(status), issued);
    }

    fn respond(
        &mut self,
        worker: &str,
        send: Micros,
        at: Micros,
        status: Option<u16>,
        issued: Option<Fingerprint>,
    ) {
        self.write(
            worker,
            at,
            WorkerEvent::RequestAnswered {
                send,
                status,
                issued,
            },
        );
    }

    fn judge(&self) -> Verdict {
        judge(&self.evidence, 1)
    }

    #[track_caller]
    fn assert_holds(&self) -> Verdict {
        let verdict = self.judge();
        assert_eq!(verdict.violations, []);
        verdict
    }

    #[track_caller]
    fn assert_violation(&self, part: &str) {
        let violations = self.judge().violations;
        let found = violations.iter().any(|v| v.text.contains(part));
        assert!(found, "{part:?} is not in {violations:?}");
    }
}

/// Returns a run with one correct refresh.
/// Returns a run with one correct refresh.
fn refresh_case() -> Case {
    let mut case = Case::new();
    case.present("0.1", SECOND, PresentationOutcome::Granted);
    case.answer("0.1", SECOND, SECOND + 5, Some(NEW));
    case.put("0.1", SECOND + 6, NEW, "new", false);
    case
}
