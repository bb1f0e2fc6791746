//! How processes and accounts in memory begin and end.

use tokenkeeper_refresh::Account;

use super::{
    Model,
    pending::Pending,
    process::{Proc, Waits},
    spend::add_orphan,
    step::Taken,
    world::{Orphan, UNKNOWN, World},
};

impl Model {
    /// Kills a process. What it sent and what the provider has not seen is lost. Others cannot
    /// know, and wait for its lease.
    pub(crate) fn crash(&mut self, world: &mut World, proc: usize) -> Taken {
        let memory = world.procs[proc];
        let account = self.account(world, proc);
        if memory.is_quiet() && *account == Account::default() {
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
        world.procs[proc] = Proc::default();
        let [holder, _] = self.mask(world).free_ids();
        world.procs[proc] = self.born(holder);
        for family in &mut world.families {
            family.forget(proc);
        }
        Some(())
    }

    /// A process that has nothing in memory.
    pub(crate) fn born(&mut self, holder: u8) -> Proc {
        Proc {
            account: self.accounts.number(Account::default()),
            holder,
            ..Proc::default()
        }
    }

    pub(crate) fn drop_idle(&mut self, world: &mut World, proc: usize) -> Taken {
        let account = self.account(world, proc);
        let memory = &mut world.procs[proc];
        let idle = account.is_idle() && memory.waits == Waits::default();
        if !idle || account.record().is_none() {
            return None;
        }
        *memory = Proc {
            cut: memory.cut,
            closing: memory.closing,
            ..self.born(memory.holder)
        };
        for family in &mut world.families {
            family.forget(proc);
        }
        Some(())
    }

    /// Forgets what cannot matter any more, so that states fall together.
    pub(crate) fn tidy(&self, world: &mut World) {
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
            family.tidy((named.tokens >> (number * 8)) as u8);
        }
        if world.budget.failovers.min(world.budget.faults) == 0 {
            world.past = [UNKNOWN; 2];
        }
        world.budget = world.budget.tidy();
    }
}
