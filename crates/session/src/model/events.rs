//! Which events can happen in a state, and what each leads to.

use super::{
    Model,
    process::{Proc, procs},
    step::{Taken, spend},
    task::{DETACHED, FLIGHT, Pending},
    world::{Begin, Event, Fault, Orphan, SLOTS, UNKNOWN, World},
};

const FAULTS: [Fault; 6] = [
    Fault::RequestLost,
    Fault::ReplyLost,
    Fault::RequestLate,
    Fault::ReplyLate,
    Fault::Transient,
    Fault::HolderPaused,
];

impl Event {
    /// Nothing goes wrong in it.
    pub(super) fn is_benign(self) -> bool {
        matches!(self, Self::Begin { .. } | Self::Step { .. } | Self::StoreUp)
    }
}

impl Model {
    /// All events that may happen, whether or not they can.
    pub(super) fn events(&self, world: &World) -> Vec<Event> {
        let mut events = Vec::with_capacity(32);
        for proc in procs(self) {
            for slot in 0..SLOTS {
                if world.procs[proc].tasks[slot].actor > 0 {
                    events.push(Event::Step { proc, slot });
                }
            }
        }
        for proc in procs(self) {
            for task in [
                Begin::Refresh,
                Begin::Validate,
                Begin::Login,
                Begin::Adopt,
                Begin::Disconnect,
            ] {
                events.push(Event::Begin { proc, task });
            }
        }
        if world.down {
            events.push(Event::StoreUp);
        }
        for proc in procs(self) {
            for slot in 0..SLOTS {
                if world.procs[proc].tasks[slot].actor > 0 {
                    events.extend(FAULTS.map(|fault| Event::Fault { proc, slot, fault }));
                }
            }
            events.push(Event::Crash { proc });
        }
        if world.stray > 0 {
            events.push(Event::StrayLands);
        }
        events.extend([
            Event::StoreDown,
            Event::Failover { writes: 1 },
            Event::Failover { writes: 2 },
            Event::Wipe,
        ]);
        events
    }

    /// Lets an event happen. `None`: it cannot.
    pub(super) fn happen(&mut self, world: &mut World, event: Event) -> Taken {
        let budget = &mut world.budget;
        match event {
            Event::Step { proc, slot } => self.step(world, proc, slot, None)?,
            Event::Fault { proc, slot, fault } => {
                if budget.faults == 0 && !world.down {
                    return None;
                }
                self.step(world, proc, slot, Some(fault))?;
            }
            Event::Begin { proc, task } => {
                let (slot, left) = match task {
                    Begin::Refresh => (FLIGHT, &mut budget.refreshes),
                    Begin::Validate => (FLIGHT, &mut budget.validations),
                    Begin::Login => (DETACHED, &mut budget.logins),
                    Begin::Adopt => (DETACHED, &mut budget.adoptions),
                    Begin::Disconnect => (DETACHED, &mut budget.disconnects),
                };
                if world.procs[proc].tasks[slot].actor > 0 {
                    return None;
                }
                *left = left.checked_sub(1)?;
                self.begin(world, proc, task);
            }
            Event::Crash { proc } => {
                if world.procs[proc] == Proc::default() {
                    return None;
                }
                spend(&mut budget.crashes, &mut budget.faults)?;
                self.crash(world, proc)?;
            }
            Event::StoreDown if !world.down => {
                spend(&mut budget.outages, &mut budget.faults)?;
                world.down = true;
            }
            Event::StoreDown => return None,
            Event::StoreUp => world.down = false,
            Event::StrayLands => self.stray_lands(world)?,
            Event::Failover { writes } => {
                let to = world.past[writes - 1];
                if to == UNKNOWN || to == world.store {
                    return None;
                }
                spend(&mut budget.failovers, &mut budget.faults)?;
                self.fail_over(world, writes);
            }
            Event::Wipe => {
                if world.store == 0 {
                    return None;
                }
                spend(&mut budget.wipes, &mut budget.faults)?;
                self.wipe(world);
            }
        }
        self.tidy(world);
        Some(())
    }

    /// Kills a process. What it sent and what the provider has not seen is lost; others cannot know, and wait for its lease.
    fn crash(&mut self, world: &mut World, proc: usize) -> Taken {
        for task in world.procs[proc].tasks {
            let pending = self.pending.value(task.pending);
            let presented = match pending.as_deref() {
                Some(Pending::OnWire(presented) | Pending::Answered(presented, _)) => *presented,
                _ => continue,
            };
            let Some(token) = presented.token.filter(|_| !task.lapsed) else {
                continue;
            };
            let free = world.orphans.iter_mut().find(|o| o.attempt == 0)?;
            *free = Orphan {
                attempt: task.claim,
                token: token.0,
            };
        }
        world.orphans.sort_unstable();
        world.procs[proc] = Proc::default();
        for family in &mut world.families {
            family.holders &= !(1 << proc);
            for decided in &mut family.decided {
                *decided &= !(1 << proc);
            }
        }
        Some(())
    }

    /// Forgets what cannot matter any more, so that states fall together.
    fn tidy(&self, world: &mut World) {
        let named = self.names_but_released(world);
        for memory in &mut world.procs {
            memory.released &= named.ids;
        }
        for (number, family) in world.families.iter_mut().enumerate() {
            let tokens = (named.tokens >> (number * 8)) as u8;
            family.tidy(tokens);
        }
        if world.budget.failovers.min(world.budget.faults) == 0 {
            world.past = [UNKNOWN; 2];
        }
        if world.budget.faults == 0 {
            // Nothing that could still go wrong would look at these.
            world.budget = super::bounds::Budget {
                refreshes: world.budget.refreshes,
                validations: world.budget.validations,
                logins: world.budget.logins,
                adoptions: world.budget.adoptions,
                disconnects: world.budget.disconnects,
                ..super::bounds::Budget::NONE
            };
        }
    }
}
