//! The lifecycle of processes and of accounts in memory.

use tokenkeeper_refresh::Account;

use super::{
    Model,
    drive::forget,
    pending::Pending,
    process::{Process, Waits, procs},
    spend::add_orphan,
    step::Enabled,
    world::{Orphan, UNKNOWN, World},
};

impl Model {
    /// Kills a process. Requests that the provider has not received are lost. Other processes
    /// cannot know that and wait for its lease.
    pub(crate) fn crash(&mut self, world: &mut World, proc: usize) -> Enabled {
        let memory = world.procs[proc];
        let account = self.account(world, proc);
        if memory.is_quiescent() && *account == Account::default() {
            return None;
        }
        let pending = self.pending.value(memory.sends[0]);
        if let Some(Pending::OnWire(presented) | Pending::Answered(presented, _)) =
            pending.as_deref()
            && let Some(token) = presented.token.filter(|_| !memory.lapsed)
        {
            let attempt = memory.claim;
            add_orphan(
                world,
                Orphan {
                    attempt,
                    token: token.0,
                    timed_out: false,
                },
            )?;
        }
        world.procs[proc] = Process::default();
        let [holder, _] = self.mask(world).free_ids();
        world.procs[proc] = self.new_process(holder);
        forget(world, proc);
        Some(())
    }

    /// Returns a process with empty memory.
    pub(crate) fn new_process(&mut self, holder: u8) -> Process {
        Process {
            account: self.accounts.intern(Account::default()),
            holder,
            ..Process::default()
        }
    }

    pub(crate) fn drop_idle(&mut self, world: &mut World, proc: usize) -> Enabled {
        let account = self.account(world, proc);
        let memory = &mut world.procs[proc];
        let idle = account.is_idle() && memory.waits == Waits::default();
        if !idle || account.record().is_none() {
            return None;
        }
        *memory = Process {
            partitioned: memory.partitioned,
            closing: memory.closing,
            ..self.new_process(memory.holder)
        };
        forget(world, proc);
        Some(())
    }

    /// Returns whether a process may still present the code of the first login.
    fn is_exchanging(&self, world: &World) -> bool {
        self.bounds.budget.callbacks + self.bounds.budget.devices > 0
            && procs(self).any(|proc| world.procs[proc].waits.changes.contains(&true))
    }

    /// Clears state that no longer matters, so that equivalent states coincide.
    pub(crate) fn normalize(&self, world: &mut World) {
        for proc in &mut world.procs {
            if proc.sends[0] == 0 && proc.write == 0 && !proc.timers.write {
                (proc.claim, proc.count) = (0, 0);
                (proc.sent, proc.lapsed) = (false, false);
            }
            if !proc.waits.refresh && proc.sends[0] == 0 {
                let account = self.accounts.value(proc.account);
                if account.is_none_or(|account| !account.is_refreshing()) {
                    proc.wanted = (0, 0);
                }
            }
        }
        let named = self.mask(world);
        for (number, family) in world.families.iter_mut().enumerate() {
            family.normalize((named.tokens >> (number * 8)) as u8);
        }
        if world.budget.failovers.min(world.budget.faults) == 0 {
            world.past = [UNKNOWN; 2];
        }
        if world.budget.callbacks == 0 && !self.is_exchanging(world) {
            world.code = Default::default();
        }
        world.budget = world.budget.normalize();
    }
}
