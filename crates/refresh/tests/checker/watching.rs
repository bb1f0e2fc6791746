//! Watches of another process's attempt, until it is finished or its lease expires.

use tokenkeeper_refresh::{Input, StoreAnswer, Timer};

use super::{
    Model,
    moment::{LEASE, Moment},
    names::number,
    process::procs,
    properties::Residual,
    spend::{spend, store_fails},
    step::{Enabled, reaches_store},
    world::{Fault, World},
};

impl Model {
    /// Polls the store. `None`: the process does not watch, or has a store call in flight.
    ///
    /// If nothing has changed, the state stays the same.
    pub(crate) fn poll(&mut self, world: &mut World, proc: usize, fault: Option<Fault>) -> Enabled {
        self.start_poll(world, proc, Moment::NOW)?;
        match fault {
            None if reaches_store(world, proc) => self.finish_poll(world, proc, Moment::NOW),
            None => return None,
            Some(Fault::RequestLost) => {
                store_fails(world, proc)?;
                let answer = StoreAnswer::Failed { hung: true };
                self.finish_read(world, proc, answer, Moment::NOW);
            }
            Some(Fault::ReplySlow) => {
                // The read continues as a separate step.
                spend(&mut world.budget.slow_replies, &mut world.budget.faults)?;
            }
            Some(_) => return None,
        }
        Some(())
    }

    fn start_poll(&mut self, world: &mut World, proc: usize, at: Moment) -> Enabled {
        let memory = &mut world.procs[proc];
        if !memory.timers.poll || memory.read > 0 || memory.write > 0 {
            return None;
        }
        memory.timers.poll = false;
        self.drive(world, proc, Input::Elapsed(Timer::Poll), at);
        (world.procs[proc].read > 0).then_some(())
    }

    fn finish_poll(&mut self, world: &mut World, proc: usize, at: Moment) {
        let answer = StoreAnswer::Found(self.find(world));
        self.finish_read(world, proc, answer, at);
    }

    /// Expires the watched lease: at once if no process holds it, otherwise only if the holder is
    /// paused or partitioned for the whole lease.
    pub(crate) fn lapse(&mut self, world: &mut World, proc: usize, paused: bool) -> Enabled {
        if !reaches_store(world, proc) {
            return None;
        }
        let stored = self.records.value(world.store)?;
        let live = stored.1.live()?;
        let attempt = live.attempt.as_deref()?;
        let (token, id, holder) = (live.payload, number(attempt.id), number(attempt.holder));
        let holding = procs(self).find(|&p| p != proc && world.procs[p].holds(holder, id));
        let cause = match holding.map(|p| world.procs[p].partitioned) {
            None if paused => return None,
            None => None,
            // A partitioned holder cannot renew its lease.
            Some(true) if !paused => Some(Residual::Partitioned),
            Some(false) if paused => {
                spend(&mut world.budget.pauses, &mut world.budget.faults)?;
                Some(Residual::PresumedDead)
            }
            Some(_) => return None,
        };
        if let Some((cause, p)) = cause.zip(holding) {
            world.procs[p].lapsed = true;
            world.families[token.family()].note_excuse(cause, token.index());
        }
        for orphan in &mut world.orphans {
            if orphan.attempt == id {
                *orphan = Default::default();
            }
        }
        world.orphans.sort_unstable();
        self.watch_for_a_lease(world, proc)
    }

    /// Polls once per lease until the lease has expired.
    fn watch_for_a_lease(&mut self, world: &mut World, proc: usize) -> Enabled {
        const MANY: u32 = 8;
        for leases in 1..=MANY {
            let at = Moment {
                monotonic: LEASE * leases,
                ..Moment::NOW
            };
            self.start_poll(world, proc, at)?;
            self.finish_poll(world, proc, at);
            if !world.procs[proc].timers.poll {
                return Some(());
            }
        }
        None
    }
}
