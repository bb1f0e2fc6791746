//! Performs the operations of a process.

use tokenkeeper_refresh::{Answer, Candidate, Input, Outcome, Revoked, StoreAnswer, Write};

use super::{
    Model,
    drive::{note_record, slot},
    faults::logs_in,
    moment::Moment,
    names::number,
    pending::{Pending, Presented},
    provider::Verdict,
    store::note_unreadable,
    token::Token,
    world::{Op, World},
};

/// Whether an event was enabled: `None` if not.
pub(crate) type Enabled = Option<()>;

impl Model {
    /// Advances an operation by one step. `None`: it is not enabled.
    ///
    /// While faults are left, each point between two steps of a process is a separate state, since
    /// the process may be killed or paused there. Otherwise steps that only the process itself can
    /// see are merged into the one before.
    pub(crate) fn step(&mut self, world: &mut World, proc: usize, op: Op) -> Enabled {
        self.step_once(world, proc, op)?;
        if world.budget.faults > 0 {
            return Some(());
        }
        if op == Op::Write {
            self.step_on(world, proc, op)?;
            return (0..super::process::SENDS).try_for_each(|slot| {
                let pending = self.pending.value(world.procs[proc].sends[slot]);
                match pending.as_deref() {
                    Some(Pending::Send(_)) => self.step_once(world, proc, Op::Send(slot)),
                    _ => Some(()),
                }
            });
        }
        self.step_on(world, proc, op)
    }

    /// Delivers an answer to the process at once.
    fn step_on(&mut self, world: &mut World, proc: usize, op: Op) -> Enabled {
        let pending = self.pending.value(number_of(world, proc, op));
        match pending.as_deref() {
            Some(Pending::Wrote(..) | Pending::Found(_) | Pending::Answered(..)) => {
                self.step_once(world, proc, op)
            }
            _ => Some(()),
        }
    }

    fn step_once(&mut self, world: &mut World, proc: usize, op: Op) -> Enabled {
        if op == Op::Revoke {
            let token = Token::of_code(world.procs[proc].revoke)?;
            self.revoke(world, token);
            self.finish_revocation(world, proc, Revoked::Done);
            return Some(());
        }
        let pending = self.pending.value(number_of(world, proc, op))?;
        match &*pending {
            Pending::Write(_) | Pending::Read if !reaches_store(world, proc) => return None,
            Pending::Write(write) => {
                let outcome = self.put(world, write);
                if matches!(outcome, Outcome::Unreadable(_)) {
                    note_unreadable(world)?;
                }
                let claims = self.is_claim(world, proc, write);
                if claims && outcome == Outcome::Applied && world.budget.faults > 0 {
                    // The process may be paused or killed before it receives the answer.
                    world.procs[proc].write =
                        self.pending.intern(Pending::Wrote(write.clone(), outcome));
                } else {
                    self.finish_write(world, proc, outcome, Moment::NOW);
                }
            }
            Pending::Wrote(_, outcome) => {
                self.finish_write(world, proc, outcome.clone(), Moment::NOW);
            }
            Pending::Read => {
                let answer = self.read(world, proc)?;
                self.finish_read(world, proc, answer, Moment::NOW);
            }
            Pending::Found(answer) => {
                self.finish_read(world, proc, answer.clone(), Moment::NOW);
            }
            Pending::Send(presented) => {
                match presented.token {
                    Some(token) => self.check_presentation(world, proc, token),
                    None => self.check_code(world, proc, presented.authorization),
                }
                self.set_pending(world, proc, op, Pending::OnWire(*presented));
            }
            Pending::OnWire(presented) => {
                let answer = match self.redeem(world, *presented) {
                    Verdict::Tokens(token) => Answer::Tokens(token),
                    Verdict::Refused => Answer::Terminal { code: None },
                };
                self.set_pending(world, proc, op, Pending::Answered(*presented, answer));
            }
            Pending::Answered(presented, answer) => {
                note_answer(world, proc, *presented, answer);
                self.finish_send(world, proc, presented.candidate, answer.clone());
            }
        }
        Some(())
    }

    pub(crate) fn set_pending(&mut self, world: &mut World, proc: usize, op: Op, pending: Pending) {
        let number = self.pending.intern(pending);
        let memory = &mut world.procs[proc];
        match op {
            Op::Write => memory.write = number,
            Op::Read => memory.read = number,
            Op::Send(slot) => memory.sends[slot] = number,
            Op::Revoke => {}
        }
    }

    /// Returns whether a write takes a lease for a request that is not sent yet.
    pub(crate) fn is_claim(&self, world: &World, proc: usize, write: &Write<Token>) -> bool {
        let memory = &world.procs[proc];
        // No process takes over the claim of a flow.
        let Some(record) = write.record.as_deref().filter(|_| write.claims.is_none()) else {
            return false;
        };
        let holds =
            |attempt: &tokenkeeper_refresh::Attempt| number(attempt.holder) == memory.holder;
        let refreshes = record
            .live()
            .and_then(|live| live.attempt.as_deref())
            .is_some_and(holds);
        let logs_in = record.login.is_some_and(|login| holds(&login.attempt));
        refreshes && !memory.sent || logs_in && memory.sends[1..] == [0; 2]
    }

    /// Delivers the outcome of a write.
    pub(crate) fn finish_write(
        &mut self,
        world: &mut World,
        proc: usize,
        outcome: Outcome<Token>,
        at: Moment,
    ) {
        let memory = &mut world.procs[proc];
        let write = std::mem::take(&mut memory.write);
        let mut renews = false;
        if outcome == Outcome::Applied
            && let Some(Pending::Write(write) | Pending::Wrote(write, _)) =
                self.pending.value(write).as_deref()
            && let Some(record) = write.record.as_deref()
        {
            note_record(memory, record);
            renews = logs_in(write);
        }
        self.drive(world, proc, Input::Wrote(outcome), at);
        world.procs[proc].late &= !renews;
    }

    /// Delivers the answer to a read.
    pub(crate) fn finish_read(
        &mut self,
        world: &mut World,
        proc: usize,
        answer: StoreAnswer<Token>,
        at: Moment,
    ) {
        world.procs[proc].read = 0;
        self.drive(world, proc, Input::Read(answer), at);
    }

    /// Delivers the answer to a token request.
    pub(crate) fn finish_send(
        &mut self,
        world: &mut World,
        proc: usize,
        candidate: Candidate,
        answer: Answer<Token>,
    ) {
        world.procs[proc].sends[slot(candidate)] = 0;
        let input = Input::Answered(candidate, answer, None);
        self.drive(world, proc, input, Moment::NOW);
    }

    pub(crate) fn finish_revocation(&mut self, world: &mut World, proc: usize, outcome: Revoked) {
        world.procs[proc].revoke = 0;
        self.drive(world, proc, Input::Revoked(outcome), Moment::NOW);
    }
}

/// Returns the number of the message that an operation waits for.
pub(crate) fn number_of(world: &World, proc: usize, op: Op) -> u32 {
    let memory = &world.procs[proc];
    match op {
        Op::Write => memory.write,
        Op::Read => memory.read,
        Op::Send(slot) => memory.sends[slot],
        Op::Revoke => 0,
    }
}

pub(crate) fn reaches_store(world: &World, proc: usize) -> bool {
    !world.down && !world.procs[proc].partitioned
}

/// Notes that a process received a decisive answer.
fn note_answer(world: &mut World, proc: usize, presented: Presented, answer: &Answer<Token>) {
    let decisive = matches!(answer, Answer::Tokens(_) | Answer::Terminal { .. });
    if let Some(token) = presented.token.filter(|_| decisive) {
        let family = &mut world.families[token.family()];
        family.decided[usize::from(token.index())] |= 1 << proc;
    } else if decisive && number(presented.authorization) == world.code.flow {
        world.code.decided |= 1 << proc;
    }
    if let Answer::Tokens(tokens) = answer {
        let family = &mut world.families[tokens.family()];
        if family.current == tokens.index() {
            family.holders |= 1 << proc;
            if let Some(token) = presented.token {
                family.unread &= !(1 << token.index());
            }
        }
    }
}
