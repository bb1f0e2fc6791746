//! What a state is known by: 128 bits that do not depend on how things are named, nor on which
//! process is which.

use std::hash::{Hash, Hasher};

use super::{
    Model,
    mix::Pair,
    names::{NAMES, Name, name_of_id},
    process::Proc,
    table::Table,
    world::{PROCS, UNKNOWN, World},
};

impl Model {
    /// The key of a state. States with the same key have the same future.
    pub(crate) fn key(&self, world: &World) -> u128 {
        let ranks: [u128; PROCS] = std::array::from_fn(|proc| self.rank(world, proc));
        let mut order: [usize; PROCS] = std::array::from_fn(|proc| proc);
        order.sort_by_key(|&proc| ranks[proc]);
        let [a, b, c] = order;
        let (low, high) = (ranks[a] == ranks[b], ranks[b] == ranks[c]);
        // Processes that look alike may still differ by what they share names with.
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

    /// A property of a process that depends neither on its number nor on names.
    fn rank(&self, world: &World, proc: usize) -> u128 {
        let memory = &world.procs[proc];
        let mut pair = Pair::default();
        pair.write_u128(self.accounts.shape(memory.account));
        for pending in memory.pending() {
            pair.write_u128(self.pending.shape(pending));
        }
        hash_flags(memory, &mut pair);
        for family in &world.families {
            pair.write_u16(family.known_by(proc));
        }
        pair.key()
    }

    fn key_in(&self, world: &World, order: [usize; PROCS]) -> u128 {
        let mut canon = Canon::new();
        for stored in [world.store, world.past[0], world.past[1]] {
            canon.value(&self.records, stored);
        }
        canon.value(&self.pending, world.stray);
        canon.value(&self.pending, world.late);
        for proc in order {
            let memory = &world.procs[proc];
            canon.value(&self.accounts, memory.account);
            for pending in memory.pending() {
                canon.value(&self.pending, pending);
            }
            canon.name(name_of_id(memory.holder));
            canon.name(name_of_id(memory.claim));
            canon.name(name_of_id(memory.knows_ended.1));
            hash_flags(memory, &mut canon.pair);
        }
        for family in world.families {
            let mut family = family.permuted(order);
            canon.name(name_of_id(std::mem::take(&mut family.authorization)));
            family.hash(&mut canon.pair);
        }
        for mut orphan in world.orphans {
            canon.name(name_of_id(std::mem::take(&mut orphan.attempt)));
            orphan.hash(&mut canon.pair);
        }
        let rest = (world.down, world.ended, world.set_back, world.wall);
        rest.hash(&mut canon.pair);
        world.budget.hash(&mut canon.pair);
        canon.pair.key()
    }
}

/// What a process has that is neither a name nor in a table.
fn hash_flags(memory: &Proc, pair: &mut Pair) {
    let flags = (
        memory.revoke,
        memory.timers,
        memory.waits,
        memory.count,
        memory.sent,
        memory.changes,
        memory.lapsed,
        memory.cut,
        memory.closing,
    );
    flags.hash(pair);
    let known = (
        memory.published,
        memory.wanted,
        memory.knows_ended.0,
        memory.outdated,
        memory.adopts,
    );
    known.hash(pair);
}

/// Names things in the order in which they occur.
struct Canon {
    pair: Pair,
    names: [Name; NAMES],
    next: Name,
}

impl Canon {
    fn new() -> Self {
        Self {
            pair: Pair::default(),
            names: [0; NAMES],
            next: 1,
        }
    }

    fn name(&mut self, name: Name) {
        if name == 0 {
            return self.pair.write_u8(0);
        }
        let new = &mut self.names[usize::from(name)];
        if *new == 0 {
            *new = self.next;
            self.next += 1;
        }
        self.pair.write_u8(*new);
    }

    fn value<T: Hash>(&mut self, table: &Table<T>, number: u32) {
        if number == 0 || number == UNKNOWN {
            return self.pair.write_u32(number);
        }
        self.pair.write_u128(table.shape(number));
        for &name in table.names(number) {
            self.name(name);
        }
    }
}
