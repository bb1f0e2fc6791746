//! A model checker for the refresh protocol: the accounts of production, in every order, with every
//! failure.
//!
//! Each process is an [`Account`] and what its engine performs for it. The store, the provider and
//! the failures are the model's.

mod begin;
mod bounds;
mod canon;
mod events;
mod family;
mod faults;
mod feed;
mod late;
mod livelock;
mod lives;
mod mix;
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
    process::{Proc, procs},
    properties::{Breach, Residual},
    store::Stored,
    table::Table,
    token::Token,
    world::{FAMILIES, Orphan, PROCS, UNKNOWN, World},
};

/// The rules of the world within some bounds, and the tables that its states refer to.
struct Model {
    bounds: Bounds,
    rules: Rules,
    records: Table<Stored>,
    accounts: Table<Account<Token>>,
    pending: Table<Pending>,
    /// Whether an account, whose process is or is not busy with the store, serves what it has
    /// published.
    served: HashMap<(u32, bool), bool>,
    /// Breaches that the current step has shown.
    findings: Vec<(Breach, Option<Residual>)>,
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
            findings: Vec::new(),
        }
    }

    fn first_world(&mut self) -> World {
        let mut world = World {
            store: 0,
            past: [UNKNOWN; 2],
            down: false,
            stray: 0,
            late: 0,
            families: [Family::default(); FAMILIES],
            procs: [Proc::default(); PROCS],
            orphans: [Orphan::default(); 2],
            ended: 0,
            set_back: false,
            wall: 1,
            budget: self.bounds.budget,
        };
        for proc in procs(self) {
            world.procs[proc] = self.born(HOLDERS + proc as u8);
        }
        if self.bounds.connected {
            self.connect(&mut world);
        }
        world
    }

    /// There is an account, and all processes know it.
    fn connect(&mut self, world: &mut World) {
        let authorization = Authorization {
            number: 1,
            id: id(1),
        };
        let record = Record {
            state: State::Live(Live::first(authorization, Token::new(0, 0))),
            pending: Default::default(),
        };
        world.store = self.records.number((version(1), record));
        world.families[0] = Family::new(1, 1);
        for proc in procs(self) {
            self.feed(world, proc, Input::Compare, Moment::NOW);
            let answer = StoreAnswer::Found(self.find(world));
            self.found_in_store(world, proc, answer, Moment::NOW);
            world.families[0].holders |= 1 << proc;
        }
    }

    fn found(&mut self, breach: Breach, residual: Option<Residual>) {
        self.findings.push((breach, residual));
    }

    /// All names that anything in the world refers to.
    fn mask(&self, world: &World) -> Mask {
        let mut mask = self.records.mask(world.store);
        for past in world.past {
            mask.add(self.records.mask(past));
        }
        mask.add(self.pending.mask(world.stray));
        mask.add(self.pending.mask(world.late));
        for memory in &world.procs {
            mask.add(self.accounts.mask(memory.account));
            for pending in memory.pending() {
                mask.add(self.pending.mask(pending));
            }
            mask.add_id(memory.holder);
            mask.add_id(memory.claim);
            mask.add_id(memory.knows_ended.1);
        }
        for family in &world.families {
            mask.add_id(family.authorization);
        }
        for orphan in &world.orphans {
            mask.add_id(orphan.attempt);
        }
        mask
    }
}

/// The ids of the first processes.
const HOLDERS: u8 = 2;
