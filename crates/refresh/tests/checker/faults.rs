//! Performs what an account asked for, badly.

use tokenkeeper_refresh::{Answer, Input, Operation, Outcome, Revoked, StoreAnswer, Write};

use super::{
    Model,
    moment::Moment,
    pending::{Pending, Presented},
    properties::Breach,
    spend::{add_orphan, spend, store_fails},
    step::{Taken, number_of, reaches_store},
    token::Token,
    world::{Fault, Op, Orphan, World},
};

/// All faults of operations.
pub(crate) const FAULTS: [Fault; 10] = [
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
    /// An operation goes wrong. `None`: not in this way.
    pub(crate) fn fail(&mut self, world: &mut World, proc: usize, op: Op, fault: Fault) -> Taken {
        if op == Op::Revoke {
            return self.fail_to_revoke(world, proc, fault);
        }
        let pending = self.pending.value(number_of(world, proc, op))?;
        if fault == Fault::Died {
            return self.die(world, proc, op, &pending);
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
                    // No process needs to wait for an attempt that can no longer be sent.
                    (memory.lapsed, memory.claim) = (true, 0);
                }
                let before = world.procs[proc].sends;
                self.wrote(world, proc, outcome.clone(), Moment::MUCH_LATER);
                if world.procs[proc].sends != before {
                    self.found(Breach::SentTooLate, None);
                }
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
    ) -> Taken {
        match fault {
            Fault::RequestLost => store_fails(world, proc)?,
            Fault::ReplyLost if reaches_store(world, proc) => {
                spend(&mut world.budget.store_replies, &mut world.budget.faults)?;
                self.put(world, write);
            }
            Fault::RequestLate if world.stray == 0 => {
                spend(&mut world.budget.strays, &mut world.budget.faults)?;
                world.stray = self.pending.number(Pending::Write(write.clone()));
            }
            Fault::ReplySlow
                if reaches_store(world, proc) && !self.is_claim(world, proc, write) =>
            {
                spend(&mut world.budget.slow_replies, &mut world.budget.faults)?;
                let outcome = self.put(world, write);
                self.wait_for(
                    world,
                    proc,
                    Op::Write,
                    Pending::Wrote(write.clone(), outcome),
                );
                return Some(());
            }
            _ => return None,
        }
        self.wrote(world, proc, Outcome::Failed, Moment::NOW);
        Some(())
    }

    fn fail_to_read(&mut self, world: &mut World, proc: usize, fault: Fault) -> Taken {
        match fault {
            Fault::RequestLost => {
                store_fails(world, proc)?;
                let answer = StoreAnswer::Failed { hung: false };
                self.found_in_store(world, proc, answer, Moment::NOW);
            }
            Fault::ReplySlow if reaches_store(world, proc) => {
                spend(&mut world.budget.slow_replies, &mut world.budget.faults)?;
                let answer = StoreAnswer::Found(self.find(world));
                self.wait_for(world, proc, Op::Read, Pending::Found(answer));
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
    ) -> Taken {
        let budget = &mut world.budget;
        let kind = match fault {
            Fault::Transient | Fault::Unexplained | Fault::Configuration => &mut budget.refusals,
            Fault::RequestLost => &mut budget.requests,
            Fault::ReplyLost => &mut budget.answers,
            Fault::RequestLate | Fault::TimedOut if world.late == 0 => &mut budget.late_requests,
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
                world.late = self.pending.number(Pending::OnWire(presented));
                if fault == Fault::TimedOut {
                    self.time_out(world, proc, presented)?;
                    Answer::TimedOut
                } else {
                    Answer::Ambiguous
                }
            }
            _ => Answer::Ambiguous,
        };
        self.answered(world, proc, presented.candidate, answer);
        Some(())
    }

    /// The provider may still be at work: nothing may be presented before the lease has ended.
    fn time_out(&self, world: &mut World, proc: usize, presented: Presented) -> Taken {
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

    /// A task dies. What it sent may still arrive, and no process reads the answer.
    fn die(&mut self, world: &mut World, proc: usize, op: Op, pending: &Pending) -> Taken {
        spend(&mut world.budget.deaths, &mut world.budget.faults)?;
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
            Pending::Write(_) if world.stray == 0 => world.stray = in_flight,
            Pending::OnWire(_) if world.late == 0 => world.late = in_flight,
            _ => {}
        }
        self.feed(world, proc, Input::Died(operation), Moment::NOW);
        Some(())
    }

    fn fail_to_revoke(&mut self, world: &mut World, proc: usize, fault: Fault) -> Taken {
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
                self.feed(world, proc, input, Moment::NOW);
                return Some(());
            }
            _ => return None,
        };
        self.revoked(world, proc, outcome);
        Some(())
    }
}
