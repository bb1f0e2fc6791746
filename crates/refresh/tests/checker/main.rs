//! A model checker for the refresh protocol: production account machines, in every order, with
//! every fault.
//!
//! Each process is an [`Account`] and the operations that its engine performs for it. The store,
//! the provider and the faults are part of the model.

mod bounds;
mod calls;
mod canonical;
mod drive;
mod events;
mod family;
mod faults;
mod hash;
mod late;
mod lifecycle;
mod livelock;
mod moment;
mod names;
mod pending;
mod process;
mod properties;
mod provider;
mod report;
mod search;
mod searches;
mod spend;
mod step;
mod store;
mod table;
mod token;
mod trace;
mod watching;
mod world;

use std::collections::HashMap;

use tokenkeeper_refresh::{Account, Authorization, Input, Live, Record, Rules, State, StoreAnswer};

use self::{
    bounds::Bounds,
    family::Family,
    moment::Moment,
    names::{Mask, id, version},
    pending::Pending,
    process::{Process, procs},
    properties::{Residual, Violation},
    store::Stored,
    table::Table,
    token::Token,
    world::{Code, FAMILIES, Orphan, PROCS, UNKNOWN, World},
};

/// The transition system within some bounds, and the tables that its states refer to.
struct Model {
    bounds: Bounds,
    rules: Rules,
    records: Table<Stored>,
    accounts: Table<Account<Token>>,
    pending: Table<Pending>,
    /// A cache: whether an account serves the token that it has published, by account and by
    /// whether its process has a store call in flight.
    served: HashMap<(u32, bool), bool>,
    /// Violations that the current transition has shown.
    violations: Vec<(Violation, Option<Residual>)>,
}

impl Model {
    fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            rules: moment::rules(&bounds),
            records: Table::new(),
            accounts: Table::new(),
            pending: Table::new(),
            served: HashMap::new(),
            violations: Vec::new(),
        }
    }

    fn first_world(&mut self) -> World {
        let mut world = World {
            store: 0,
            damaged: false,
            claim: 0,
            past: [UNKNOWN; 2],
            down: false,
            late_write: 0,
            late_request: 0,
            families: [Family::default(); FAMILIES],
            procs: [Process::default(); PROCS],
            orphans: [Orphan::default(); 2],
            code: Code::default(),
            ended: 0,
            rolled_back: false,
            wall: 1,
            budget: self.bounds.budget,
        };
        for proc in procs(self) {
            world.procs[proc] = self.new_process(HOLDERS + proc as u8);
        }
        if self.bounds.connected {
            self.connect(&mut world);
        }
        world
    }

    /// Connects an account that all processes know.
    fn connect(&mut self, world: &mut World) {
        let authorization = Authorization {
            number: 1,
            id: id(1),
        };
        let record = Record {
            state: State::Live(Live::first(authorization, Token::new(0, 0))),
            pending: Default::default(),
        };
        world.store = self.records.intern((version(1), record));
        world.families[0] = Family::new(1, 1);
        for proc in procs(self) {
            self.drive(world, proc, Input::Compare, Moment::NOW);
            let answer = StoreAnswer::Found(self.find(world));
            self.finish_read(world, proc, answer, Moment::NOW);
            world.families[0].holders |= 1 << proc;
        }
    }

    fn report(&mut self, violation: Violation, residual: Option<Residual>) {
        self.violations.push((violation, residual));
    }

    /// Returns all names that the world refers to.
    fn mask(&self, world: &World) -> Mask {
        let mut mask = self.records.mask(world.store);
        mask.add(self.records.mask(world.claim));
        for past in world.past {
            mask.add(self.records.mask(past));
        }
        mask.add(self.pending.mask(world.late_write));
        mask.add(self.pending.mask(world.late_request));
        for memory in &world.procs {
            mask.add(self.accounts.mask(memory.account));
            for pending in memory.pending() {
                mask.add(self.pending.mask(pending));
            }
            mask.add_id(memory.holder);
            mask.add_id(memory.claim);
            mask.add_id(memory.seen_tombstone.1);
        }
        for family in &world.families {
            mask.add_id(family.authorization);
        }
        for orphan in &world.orphans {
            mask.add_id(orphan.attempt);
        }
        mask.add_id(world.code.flow);
        mask
    }
}

/// The ids of the initial processes.
const HOLDERS: u8 = 2;
