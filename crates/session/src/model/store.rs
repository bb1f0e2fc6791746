//! The store: one linearizable register, compared and set by version.

use super::{
    Model,
    token::Token,
    world::{UNKNOWN, World},
};
use crate::machine::{Stored, Write, Wrote};

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
        let record = write.record.clone();
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
        self.set_back(world, world.past[writes - 1]);
    }

    pub(super) fn wipe(&self, world: &mut World) {
        self.set_back(world, 0);
    }

    fn set_back(&self, world: &mut World, to: u32) {
        world.store = to;
        world.past = [UNKNOWN; 2];
        // What was written is forgotten: the attempts and answers of every token so far may have gone with it.
        world.ended = 0;
        for family in world.families.iter_mut().filter(|family| family.exists()) {
            family.set_back = ((1_u16 << (family.current + 1)) - 1) as u8;
        }
    }
}
