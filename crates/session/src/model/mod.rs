//! A model checker for the refresh protocol: the very machines that the engine runs, in every order, with every failure.

mod bounds;
mod events;
mod intern;
pub(crate) mod mutation;
mod process;
mod properties;
mod provider;
mod search;
mod step;
mod store;
mod task;
mod tests;
mod token;
mod trace;
mod world;

use tokenkeeper_store::Version;

use self::{
    bounds::Bounds,
    intern::{Names, Table, VERSION_MARK},
    process::{Proc, procs},
    properties::{Breach, Residual},
    provider::Family,
    task::{Actor, Pending},
    token::Token,
    world::{FAMILIES, Orphan, PROCS, UNKNOWN, World},
};
use crate::{
    machine::Stored,
    record::{Authorization, Live, Record, State},
};

/// The rules of the world within some bounds, and the tables that its states refer to.
struct Model {
    bounds: Bounds,
    records: Table<Stored<Token>>,
    actors: Table<Actor>,
    pending: Table<Pending>,
    /// Breaches that the step under way has shown.
    findings: Vec<(Breach, Option<Residual>)>,
}

impl Model {
    fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            records: Table::new(),
            actors: Table::new(),
            pending: Table::new(),
            findings: Vec::new(),
        }
    }

    fn first_world(&mut self) -> World {
        let mut world = World {
            store: 0,
            past: [UNKNOWN; 2],
            down: false,
            stray: 0,
            families: [Family::default(); FAMILIES],
            procs: [Proc::default(); PROCS],
            orphans: [Orphan::default(); 2],
            ended: 0,
            budget: self.bounds.budget,
        };
        if self.bounds.connected {
            let authorization = Authorization { number: 1, id: 1 };
            let live = Live::first(authorization, Token::new(0, 0));
            let record = Record {
                state: State::Live(live),
                login: None,
            };
            let version = self.version(1);
            world.store = self.records.number(Stored { version, record });
            world.families[0] = Family {
                authorization: 1,
                ..Family::new(1)
            };
            for proc in procs(self) {
                world.procs[proc].known = world.store;
                world.procs[proc].written = true;
                world.families[0].holders |= 1 << proc;
            }
        }
        world
    }

    fn found(&mut self, breach: Breach, residual: Option<Residual>) {
        self.findings.push((breach, residual));
    }

    #[allow(clippy::unused_self, reason = "versions are the model's")]
    fn version(&self, number: u8) -> Version {
        let mut bytes = [0; 16];
        (bytes[0], bytes[15]) = (number, VERSION_MARK);
        Version::from_bytes(bytes)
    }

    /// All versions and ids that anything in the world refers to.
    fn names(&self, world: &World) -> Names {
        let mut names = self.names_but_released(world);
        for memory in &world.procs {
            names.ids |= memory.released;
        }
        names
    }

    fn names_but_released(&self, world: &World) -> Names {
        let mut names = self.records.names(world.store);
        for past in world.past {
            if past != UNKNOWN {
                names.add(self.records.names(past));
            }
        }
        names.add(self.pending.names(world.stray));
        for memory in &world.procs {
            names.add(self.records.names(memory.known));
            for task in &memory.tasks {
                names.add(self.actors.names(task.actor));
                names.add(self.records.names(task.before));
                names.add(self.pending.names(task.pending));
                names.ids |= 1 << task.claim;
            }
        }
        for family in &world.families {
            names.ids |= 1 << family.authorization;
        }
        for orphan in &world.orphans {
            names.ids |= 1 << orphan.attempt;
        }
        names
    }
}
