//! Performs operations with faults.

use tokenkeeper_refresh::{Answer, Input, Operation, Outcome, Revoked, StoreAnswer, Write};

use super::{
    Model,
    moment::Moment,
    names::number,
    pending::{Pending, Presented},
    properties::Violation,
    spend::{add_orphan, spend, store_fails},
    step::{Enabled, number_of, reaches_store},
    token::Token,
    world::{Fault, Op, Orphan, World},
};

/// All faults that an operation can have.
pub(crate) const FAULTS: [Fault; 11] = [
    Fault::Pending,
    Fault::RequestLost,
    Fault::ReplyLost,
    Fault::RequestLate,
    Fault::TimedOut,
    Fault::ReplyLate,
    Fault::ReplySlow,
    Fault::Transient,
    Fault::Unexplained,
    Fault::Configuration,
    Fault::Died,
];

impl Model {
    /// Applies a fault to an operation. `None`: it is not enabled.
    pub(crate) fn fail(&mut self, world: &mut World, proc: usize, op: Op, fault: Fault) -> Enabled {
        if op == Op::Revoke {
            return self.fail_to_revoke(world, proc, fault);
        }
        let pending = self.pending.value(number_of(world, proc, op))?;
        if fault == Fault::Died {
            return self.kill_task(world, proc, op, &pending);
        }
        match &*pending {
            Pending::Write(write) => self.fail_to_write(world, proc, write, fault),
            Pending::Read => self.fail_to_read(world, proc, fault),
            Pending::Wrote(write, outcome)
                if fault == Fault::ReplyLate && self.is_claim(world, proc, write) =>
            {
                spend(&mut world.budget.late_replies, &mut world.budget.faults)?;
                let memory = &mut world.procs[proc];
                if !memory.sent {
                    // An attempt that can no longer be sent holds no process back.
                    (memory.lapsed, memory.claim) = (true, 0);
                }
                let before = world.procs[proc].sends;
                self.finish_write(world, proc, outcome.clone(), Moment::AFTER_LEASE);
                if world.procs[proc].sends != before {
                    self.report(Violation::SentTooLate, None);
                }
                // A poll comes later, when the lease has expired.
                world.procs[proc].late |= logs_in(write);
                Some(())
            }
            Pending::OnWire(presented) if fault == Fault::Pending => {
                let code = world.code;
                let own = presented.token.is_none() && number(presented.authorization) == code.flow;
                world.budget.pending = world.budget.pending.checked_sub(1)?;
                if !own || !code.device || code.spent {
                    return None;
                }
                let answer = Answer::Pending { slow_down: false };
                self.finish_send(world, proc, presented.candidate, answer);
                Some(())
            }
            Pending::OnWire(presented) => self.fail_to_answer(world, proc, *presented, fault),
            _ => None,
        }
    }

    fn fail_to_write(
        &mut self,
        world: &mut World,
        proc: usize,
        write: &Write<Token>,
        fault: Fault,
    ) -> Enabled {
        match fault {
            Fault::RequestLost => store_fails(world, proc)?,
            Fault::ReplyLost if reaches_store(world, proc) => {
                spend(
                    &mut world.budget.lost_store_replies,
                    &mut world.budget.faults,
                )?;
                self.put(world, write);
            }
            Fault::RequestLate if world.late_write == 0 => {
                spend(&mut world.budget.late_writes, &mut world.budget.faults)?;
                world.late_write = self.pending.intern(Pending::Write(write.clone()));
            }
            Fault::ReplySlow
                if reaches_store(world, proc) && !self.is_claim(world, proc, write) =>
            {
                spend(&mut world.budget.slow_replies, &mut world.budget.faults)?;
                let outcome = self.put(world, write);
                self.set_pending(
                    world,
                    proc,
                    Op::Write,
                    Pending::Wrote(write.clone(), outcome),
                );
                return Some(());
            }
            _ => return None,
        }
        self.finish_write(world, proc, Outcome::Failed, Moment::NOW);
        Some(())
    }

    fn fail_to_read(&mut self, world: &mut World, proc: usize, fault: Fault) -> Enabled {
        match fault {
            Fault::RequestLost => {
                store_fails(world, proc)?;
                let answer = StoreAnswer::Failed { hung: false };
                self.finish_read(world, proc, answer, Moment::NOW);
            }
            Fault::ReplySlow if reaches_store(world, proc) => {
                spend(&mut world.budget.slow_replies, &mut world.budget.faults)?;
                let answer = self.read(world, proc)?;
                self.set_pending(world, proc, Op::Read, Pending::Found(answer));
            }
            _ => return None,
        }
        Some(())
    }

    fn fail_to_answer(
        &mut self,
        world: &mut World,
        proc: usize,
        presented: Presented,
        fault: Fault,
    ) -> Enabled {
        let budget = &mut world.budget;
        let kind = match fault {
            Fault::Transient | Fault::Unexplained | Fault::Configuration => &mut budget.refusals,
            Fault::RequestLost => &mut budget.lost_requests,
            Fault::ReplyLost => &mut budget.lost_answers,
            Fault::RequestLate | Fault::TimedOut if world.late_request == 0 => {
                &mut budget.late_requests
            }
            _ => return None,
        };
        spend(kind, &mut budget.faults)?;
        let answer = match fault {
            Fault::Transient => Answer::Transient {
                retry_after: None,
                may_have_redeemed: false,
            },
            Fault::Unexplained => Answer::Unexplained,
            Fault::Configuration => Answer::Configuration,
            Fault::ReplyLost => {
                self.redeem(world, presented);
                Answer::Ambiguous
            }
            Fault::RequestLate | Fault::TimedOut => {
                world.late_request = self.pending.intern(Pending::OnWire(presented));
                if fault == Fault::TimedOut {
                    self.time_out(world, proc, presented)?;
                    Answer::TimedOut
                } else {
                    Answer::Ambiguous
                }
            }
            _ => Answer::Ambiguous,
        };
        self.finish_send(world, proc, presented.candidate, answer);
        Some(())
    }

    /// Notes a timed-out request that the provider may still handle: nothing may be presented
    /// before the lease expires.
    fn time_out(&self, world: &mut World, proc: usize, presented: Presented) -> Enabled {
        let lapsed = world.procs[proc].lapsed;
        let Some(token) = presented.token.filter(|_| !lapsed) else {
            return Some(());
        };
        let orphan = Orphan {
            attempt: world.procs[proc].claim,
            token: token.0,
            timed_out: true,
        };
        add_orphan(world, orphan)
    }

    /// Kills a task. Its request may still arrive, but no process reads the answer.
    fn kill_task(&mut self, world: &mut World, proc: usize, op: Op, pending: &Pending) -> Enabled {
        spend(&mut world.budget.task_deaths, &mut world.budget.faults)?;
        let operation = match pending {
            Pending::Write(_) | Pending::Wrote(..) => Operation::Write,
            Pending::Read | Pending::Found(_) => Operation::Read,
            Pending::Send(presented)
            | Pending::OnWire(presented)
            | Pending::Answered(presented, _) => Operation::Send(presented.candidate),
        };
        let in_flight = number_of(world, proc, op);
        let memory = &mut world.procs[proc];
        match op {
            Op::Write => memory.write = 0,
            Op::Read => memory.read = 0,
            Op::Send(slot) => memory.sends[slot] = 0,
            Op::Revoke => {}
        }
        match pending {
            Pending::Write(_) if world.late_write == 0 => world.late_write = in_flight,
            Pending::OnWire(_) if world.late_request == 0 => world.late_request = in_flight,
            _ => {}
        }
        self.drive(world, proc, Input::Died(operation), Moment::NOW);
        Some(())
    }

    fn fail_to_revoke(&mut self, world: &mut World, proc: usize, fault: Fault) -> Enabled {
        let token = Token::of_code(world.procs[proc].revoke)?;
        spend(&mut world.budget.revocations, &mut world.budget.faults)?;
        let outcome = match fault {
            Fault::RequestLost => Revoked::Unavailable,
            Fault::ReplyLost => {
                self.revoke(world, token);
                Revoked::Unavailable
            }
            Fault::Unexplained => Revoked::Refused,
            Fault::Died => {
                world.procs[proc].revoke = 0;
                let input = Input::Died(Operation::Revoke);
                self.drive(world, proc, input, Moment::NOW);
                return Some(());
            }
            _ => return None,
        };
        self.finish_revocation(world, proc, outcome);
        Some(())
    }
}

/// Returns whether a write has a login by device code.
pub(crate) fn logs_in(write: &Write<Token>) -> bool {
    let login = write.record.as_deref().and_then(|record| record.login);
    login.is_some_and(|login| login.device)
}
