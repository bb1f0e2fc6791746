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
            None if reaches_store(world, proc) => {
                let answer = self.read(world, proc)?;
                self.finish_read(world, proc, answer, Moment::NOW);
            }
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

    /// Expires the watched leases: at once if no process holds them, otherwise only if the holder
    /// is paused or partitioned for the whole lease.
    pub(crate) fn lapse(&mut self, world: &mut World, proc: usize, paused: bool) -> Enabled {
        if !reaches_store(world, proc) || world.damaged {
            return None;
        }
        let stored = self.records.value(world.store)?;
        let own = world.procs[proc].holder;
        let refresh = stored.1.live().and_then(|live| {
            let attempt = live.attempt.as_deref()?;
            (number(attempt.holder) != own).then_some((live.payload, *attempt))
        });
        let login = stored.1.login.map(|login| login.attempt);
        let login = login.filter(|attempt| number(attempt.holder) != own);
        if refresh.is_none() && login.is_none() {
            return None;
        }
        let (mut needs_pause, mut pauses) = (paused, false);
        if let Some((token, attempt)) = refresh {
            let (id, holder) = (number(attempt.id), number(attempt.holder));
            let holding = procs(self).find(|&p| p != proc && world.procs[p].holds(holder, id));
            if let Some(p) = holding {
                let cause = cause(world, p, paused)?;
                (needs_pause, pauses) = (false, pauses | (cause == Residual::PresumedDead));
                world.procs[p].lapsed = true;
                world.families[token.family()].note_excuse(cause, token.index());
            }
            for orphan in &mut world.orphans {
                if orphan.attempt == id {
                    *orphan = Default::default();
                }
            }
            world.orphans.sort_unstable();
        }
        if let Some(attempt) = login {
            let holder = number(attempt.holder);
            let holding = procs(self).find(|&p| p != proc && world.procs[p].holds_login(holder));
            if let Some(p) = holding {
                let cause = cause(world, p, paused)?;
                (needs_pause, pauses) = (false, pauses | (cause == Residual::PresumedDead));
                let memory = &mut world.procs[p];
                memory.late |= world.code.device;
                let between_polls = memory.timers.device.contains(&true) && !memory.exchanges();
                if !between_polls {
                    world.code.excuse = world.code.excuse.or(Some(cause));
                }
            }
        }
        if needs_pause {
            return None;
        }
        if pauses {
            spend(&mut world.budget.pauses, &mut world.budget.faults)?;
        }
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

/// Returns why a living holder's lease may expire. `None`: it renews its lease.
fn cause(world: &World, holder: usize, paused: bool) -> Option<Residual> {
    match (world.procs[holder].partitioned, paused) {
        // A partitioned holder cannot renew its lease.
        (true, false) => Some(Residual::Partitioned),
        (false, true) => Some(Residual::PresumedDead),
        _ => None,
    }
}
