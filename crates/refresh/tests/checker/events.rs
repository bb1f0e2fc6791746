//! The transition relation: which events may happen in a state, and where each leads.

use tokenkeeper_refresh::{ChangeId, Input, Timer};

use super::{
    Model,
    faults::FAULTS,
    moment::Moment,
    process::{CHANGES, SENDS, procs},
    spend::spend,
    step::Enabled,
    world::{Event, Fault, Op, TimerKind, UNKNOWN, World},
};

impl Event {
    /// Returns whether the event involves no fault.
    pub(crate) fn is_fault_free(self) -> bool {
        matches!(
            self,
            Self::Call { .. }
                | Self::Step { .. }
                | Self::Fire { .. }
                | Self::Poll { fault: None, .. }
                | Self::Lapse { paused: false, .. }
                | Self::Heal { .. }
                | Self::StoreUp
                | Self::Repair
                | Self::Fault {
                    fault: Fault::Pending,
                    ..
                }
        )
    }

    /// Returns whether the event is progress that a waiter can rely on.
    pub(crate) fn makes_progress(self) -> bool {
        let optional = matches!(
            self,
            Self::Call { .. }
                | Self::Fault { .. }
                | Self::Fire {
                    timer: TimerKind::Renew,
                    ..
                }
        );
        self.is_fault_free() && !optional
    }
}

const OPS: [Op; 3 + SENDS] = [
    Op::Write,
    Op::Read,
    Op::Send(0),
    Op::Send(1),
    Op::Send(2),
    Op::Revoke,
];

impl Model {
    /// Returns all candidate events; [`apply`](Self::apply) decides which are enabled.
    pub(crate) fn events(&self, world: &World) -> Vec<Event> {
        let mut events = Vec::with_capacity(64);
        for proc in procs(self) {
            for op in OPS.into_iter().filter(|&op| is_active(world, proc, op)) {
                events.push(Event::Step { proc, op });
            }
            for timer in [
                TimerKind::Write,
                TimerKind::Revoke,
                TimerKind::Renew,
                TimerKind::Device(0),
                TimerKind::Device(1),
            ] {
                events.push(Event::Fire { proc, timer });
            }
            let paused = false;
            events.extend([
                Event::Poll { proc, fault: None },
                Event::Lapse { proc, paused },
                Event::Heal { proc },
            ]);
        }
        events.extend(self.calls().map(|(proc, call)| Event::Call { proc, call }));
        events.push(Event::StoreUp);
        for proc in procs(self) {
            for op in OPS.into_iter().filter(|&op| is_active(world, proc, op)) {
                events.extend(FAULTS.map(|fault| Event::Fault { proc, op, fault }));
            }
            for fault in [Fault::RequestLost, Fault::ReplySlow] {
                let fault = Some(fault);
                events.push(Event::Poll { proc, fault });
            }
            let paused = true;
            events.extend([
                Event::Lapse { proc, paused },
                Event::Crash { proc },
                Event::Partition { proc },
                Event::Drop { proc },
            ]);
        }
        events.extend([
            Event::LateWriteLands,
            Event::LateRequestHandled,
            Event::StoreDown,
            Event::Failover { writes: 1 },
            Event::Failover { writes: 2 },
            Event::Wipe,
            Event::Damage,
            Event::Repair,
            Event::Expire,
        ]);
        events
    }

    /// Applies an event. `None`: it is not enabled.
    pub(crate) fn apply(&mut self, world: &mut World, event: Event) -> Enabled {
        let budget = &mut world.budget;
        match event {
            Event::Call { proc, call } => self.call(world, proc, call)?,
            Event::Step { proc, op } => self.step(world, proc, op)?,
            Event::Fault { proc, op, fault } => self.fail(world, proc, op, fault)?,
            Event::Fire { proc, timer } => self.fire(world, proc, timer)?,
            Event::Poll { proc, fault } => self.poll(world, proc, fault)?,
            Event::Lapse { proc, paused } => self.lapse(world, proc, paused)?,
            Event::Crash { proc } => {
                spend(&mut budget.crashes, &mut budget.faults)?;
                self.crash(world, proc)?;
            }
            Event::Drop { proc } => {
                budget.drops = budget.drops.checked_sub(1)?;
                self.drop_idle(world, proc)?;
            }
            Event::Partition { proc } => {
                spend(&mut budget.partitions, &mut budget.faults)?;
                if std::mem::replace(&mut world.procs[proc].partitioned, true) {
                    return None;
                }
            }
            Event::Heal { proc } => {
                if !std::mem::take(&mut world.procs[proc].partitioned) {
                    return None;
                }
            }
            Event::StoreDown => {
                spend(&mut budget.outages, &mut budget.faults)?;
                if std::mem::replace(&mut world.down, true) {
                    return None;
                }
            }
            Event::StoreUp => {
                if !std::mem::take(&mut world.down) {
                    return None;
                }
            }
            Event::LateWriteLands => self.land_late_write(world)?,
            Event::LateRequestHandled => self.handle_late_request(world)?,
            Event::Failover { writes } => {
                spend(&mut budget.failovers, &mut budget.faults)?;
                let to = world.past[writes - 1];
                if to == UNKNOWN || to == world.store {
                    return None;
                }
                self.fail_over(world, writes);
            }
            Event::Wipe => {
                spend(&mut budget.wipes, &mut budget.faults)?;
                if world.store == 0 {
                    return None;
                }
                self.wipe(world);
            }
            Event::Damage => {
                budget.damages = budget.damages.checked_sub(1)?;
                self.damage(world)?;
            }
            Event::Repair => {
                if !std::mem::take(&mut world.damaged) {
                    return None;
                }
                // A process may replace what it could not read, and one that can read it does not
                // look for the claims of flows.
                world.rolled_back = true;
            }
            Event::Expire => {
                budget.expiries = budget.expiries.checked_sub(1)?;
                self.expire(world)?;
            }
        }
        self.normalize(world);
        Some(())
    }

    fn fire(&mut self, world: &mut World, proc: usize, timer: TimerKind) -> Enabled {
        let others_revoke = procs(self).any(|p| {
            let memory = &world.procs[p];
            p != proc && (memory.revoke > 0 || memory.write > 0 || memory.timers.write)
        });
        if let TimerKind::Device(slot) = timer {
            return self.fire_device(world, proc, slot);
        }
        let (timers, budget) = (&mut world.procs[proc].timers, &mut world.budget);
        let (armed, timer, at) = match timer {
            TimerKind::Write => (&mut timers.write, Timer::Write, Moment::NOW),
            TimerKind::Revoke => {
                if others_revoke {
                    // Their revocation must take longer than a lease.
                    spend(&mut budget.pauses, &mut budget.faults)?;
                }
                (
                    &mut timers.revoke,
                    Timer::Revoke,
                    Moment::AFTER_REVOCATION_PAUSE,
                )
            }
            TimerKind::Renew => {
                budget.renewals = budget.renewals.checked_sub(1)?;
                (&mut timers.renew, Timer::Renew, Moment::NOW)
            }
            TimerKind::Device(_) => return None,
        };
        if !std::mem::take(armed) {
            return None;
        }
        self.drive(world, proc, Input::Elapsed(timer), at);
        Some(())
    }
}

impl Model {
    /// Ends the pause before a poll.
    fn fire_device(&mut self, world: &mut World, proc: usize, slot: usize) -> Enabled {
        let memory = &mut world.procs[proc];
        if !std::mem::take(&mut memory.timers.device[slot]) {
            return None;
        }
        // The change in this slot that began last.
        let begun = usize::from(memory.changes);
        let id = (0..begun).rev().find(|id| id % CHANGES == slot)?;
        let timer = Timer::Device(ChangeId(id as u32));
        self.drive(world, proc, Input::Elapsed(timer), Moment::NOW);
        Some(())
    }
}

fn is_active(world: &World, proc: usize, op: Op) -> bool {
    match op {
        Op::Revoke => world.procs[proc].revoke > 0,
        op => super::step::number_of(world, proc, op) > 0,
    }
}
