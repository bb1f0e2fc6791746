//! Symmetry reduction: a canonical 128-bit key of a state, independent of names and of the order of
//! processes.

use std::hash::{Hash, Hasher};

use super::{
    Model,
    hash::Hash128,
    names::{NAMES, Name, name_of_id},
    process::Process,
    table::Table,
    world::{PROCS, UNKNOWN, World},
};

impl Model {
    /// Returns the key of a state. States with the same key have the same future.
    pub(crate) fn key(&self, world: &World) -> u128 {
        let ranks: [u128; PROCS] = std::array::from_fn(|proc| self.rank(world, proc));
        let mut order: [usize; PROCS] = std::array::from_fn(|proc| proc);
        order.sort_by_key(|&proc| ranks[proc]);
        let [a, b, c] = order;
        let (low, high) = (ranks[a] == ranks[b], ranks[b] == ranks[c]);
        // Processes of equal rank may still differ by the names that they share with others.
        let orders: &[[usize; PROCS]] = match (low, high) {
            (false, false) => &[[a, b, c]],
            (true, false) => &[[a, b, c], [b, a, c]],
            (false, true) => &[[a, b, c], [a, c, b]],
            (true, true) => &[
                [a, b, c],
                [a, c, b],
                [b, a, c],
                [b, c, a],
                [c, a, b],
                [c, b, a],
            ],
        };
        let keys = orders.iter().map(|&order| self.key_in(world, order));
        keys.min().expect("there is an order")
    }

    /// Returns a hash of a process that depends neither on its number nor on names.
    fn rank(&self, world: &World, proc: usize) -> u128 {
        let memory = &world.procs[proc];
        let mut hash = Hash128::default();
        hash.write_u128(self.accounts.shape(memory.account));
        for pending in memory.pending() {
            hash.write_u128(self.pending.shape(pending));
        }
        hash_flags(memory, &mut hash);
        for family in &world.families {
            hash.write_u16(family.known_by(proc));
        }
        hash.write_u8(world.code.decided >> proc & 1);
        hash.key()
    }

    fn key_in(&self, world: &World, order: [usize; PROCS]) -> u128 {
        let mut canon = Canonicalizer::new();
        for stored in [world.store, world.claim, world.past[0], world.past[1]] {
            canon.value(&self.records, stored);
        }
        canon.value(&self.pending, world.late_write);
        canon.value(&self.pending, world.late_request);
        for proc in order {
            let memory = &world.procs[proc];
            canon.value(&self.accounts, memory.account);
            for pending in memory.pending() {
                canon.value(&self.pending, pending);
            }
            canon.name(name_of_id(memory.holder));
            canon.name(name_of_id(memory.claim));
            canon.name(name_of_id(memory.seen_tombstone.1));
            hash_flags(memory, &mut canon.hash);
        }
        for family in world.families {
            let mut family = family.permuted(order);
            canon.name(name_of_id(std::mem::take(&mut family.authorization)));
            family.hash(&mut canon.hash);
        }
        for mut orphan in world.orphans {
            canon.name(name_of_id(std::mem::take(&mut orphan.attempt)));
            orphan.hash(&mut canon.hash);
        }
        let mut code = world.code;
        canon.name(name_of_id(std::mem::take(&mut code.flow)));
        code.decided = super::family::permuted(code.decided, order);
        code.hash(&mut canon.hash);
        let store = (world.down, world.damaged);
        let rest = (store, world.ended, world.rolled_back, world.wall);
        rest.hash(&mut canon.hash);
        world.budget.hash(&mut canon.hash);
        canon.hash.key()
    }
}

/// Hashes the fields of a process that are neither names nor table entries.
fn hash_flags(memory: &Process, hash: &mut Hash128) {
    let flags = (
        memory.revoke,
        memory.timers,
        memory.waits,
        memory.count,
        memory.sent,
        memory.changes,
        memory.lapsed,
        memory.late,
        memory.partitioned,
        memory.closing,
    );
    flags.hash(hash);
    let known = (
        memory.published,
        memory.wanted,
        memory.seen_tombstone.0,
        memory.outdated,
        memory.adopts,
    );
    known.hash(hash);
}

/// Renames names in order of occurrence while it hashes.
struct Canonicalizer {
    hash: Hash128,
    names: [Name; NAMES],
    next: Name,
}

impl Canonicalizer {
    fn new() -> Self {
        Self {
            hash: Hash128::default(),
            names: [0; NAMES],
            next: 1,
        }
    }

    fn name(&mut self, name: Name) {
        if name == 0 {
            return self.hash.write_u8(0);
        }
        let new = &mut self.names[usize::from(name)];
        if *new == 0 {
            *new = self.next;
            self.next += 1;
        }
        self.hash.write_u8(*new);
    }

    fn value<T: Hash>(&mut self, table: &Table<T>, number: u32) {
        if number == 0 || number == UNKNOWN {
            return self.hash.write_u32(number);
        }
        self.hash.write_u128(table.shape(number));
        for &name in table.names(number) {
            self.name(name);
        }
    }
}
