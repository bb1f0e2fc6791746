//! The store: one linearizable register, compared and set by version.

use super::{
    Model,
    token::Token,
    world::{UNKNOWN, World},
};
use crate::{
    machine::{Stored, Write, Wrote},
    record::State,
};

impl Model {
    pub(super) fn find(&self, world: &World) -> Option<Stored<Token>> {
        self.records
            .value(world.store)
            .map(|stored| (*stored).clone())
    }

    /// Compares and writes.
    pub(super) fn put(&mut self, world: &mut World, write: &Write<Token>) -> Wrote<Token> {
        let there = self.find(world);
        if there.as_ref().map(|stored| stored.version) != write.expected {
            return Wrote::Conflict(there);
        }
        self.put_blindly(world, write);
        Wrote::Applied
    }

    /// Writes whatever stands there. The trait has no such call: only broken protocols use it.
    pub(super) fn put_blindly(&mut self, world: &mut World, write: &Write<Token>) {
        if let Some(there) = self.find(world) {
            self.check_write(&there.record, write.record.as_ref());
        }
        let record = write.record.clone();
        if let Some(State::Ended(tombstone)) = record.as_ref().map(|record| &record.state) {
            world.ended = world.ended.max(tombstone.authorization.number as u8);
        }
        let version = write.version;
        let next = record.map_or(0, |record| self.records.number(Stored { version, record }));
        self.set(world, next);
    }

    pub(super) fn set(&self, world: &mut World, next: u32) {
        world.past = match world.budget.failovers.min(world.budget.faults) {
            0 => [UNKNOWN; 2],
            _ => [world.store, world.past[0]],
        };
        world.store = next;
    }

    /// The store goes back by so many writes.
    pub(super) fn fail_over(&self, world: &mut World, writes: usize) {
        // An attempt that is lost may be under way, and who still knows the tokens writes them back without it.
        for lost in &[world.store, world.past[0]][..writes] {
            let lost = self.records.value(*lost);
            let attempted = lost.as_ref().and_then(|stored| stored.record.live());
            if let Some(live) = attempted.filter(|live| live.attempt.is_some()) {
                world.families[live.tokens.family()].set_back |= 1 << live.tokens.index();
            }
        }
        self.set_back(world, world.past[writes - 1]);
    }

    pub(super) fn wipe(&self, world: &mut World) {
        self.set_back(world, 0);
    }

    fn set_back(&self, world: &mut World, to: u32) {
        world.store = to;
        world.past = [UNKNOWN; 2];
        world.ended = 0;
        // What is in the store now may have been presented and answered since, and nothing there says so. Where nothing is there,
        // that holds for whatever a process writes back.
        let token = self
            .records
            .value(to)
            .map(|stored| stored.record.live().map(|live| live.tokens));
        match token {
            Some(None) => {}
            Some(Some(token)) => world.families[token.family()].set_back |= 1 << token.index(),
            None => {
                for family in world.families.iter_mut().filter(|family| family.exists()) {
                    family.set_back = u8::MAX >> (7 - family.current);
                }
            }
        }
    }
}
