//! A process: what it holds in memory, its tasks, and what the engine does around the machines (`engine::keep`, `engine::login`).

use std::time::Duration;

use super::{
    Model,
    bounds::Revocation,
    mutation::{Mutation, is_active},
    task::{Actor, DETACHED, FLIGHT, Pending, Task},
    token::Token,
    world::{Begin, PROCS, SLOTS, World},
};
use crate::{
    machine::{
        Context, Disconnect, DisconnectEnd, Effect, Input, Login, LoginEnd, Machine, Refresh,
        RefreshEnd, RefreshOutcome, Rules, Step, Stored, Validate, ValidateEnd, Wrote, remember,
    },
    record::State,
    source::Stamp,
};

/// What a process has in memory; a crash loses it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Proc {
    /// The newest record known; 0: none.
    pub(super) known: u32,
    /// It is in the store, as far as this process knows.
    pub(super) written: bool,
    /// Attempts that are over, a bit each.
    pub(super) released: u64,
    /// The flight, and a login or a disconnect beside it.
    pub(super) tasks: [Task; SLOTS],
}

impl Proc {
    /// An order of processes that does not depend on their numbers, but for those that cannot be told apart.
    pub(super) fn rank(&self, world: &World, proc: usize) -> impl Ord + use<> {
        let tasks = self
            .tasks
            .map(|task| (task.actor, task.pending, task.claim, task.lapsed));
        let masks = world.families.map(|family| {
            let decided = family.decided.iter().enumerate();
            let decided = decided.fold(0_u16, |bits, (at, mask)| {
                bits | u16::from(mask >> proc & 1) << at
            });
            (family.holders >> proc & 1, decided)
        });
        (tasks, self.known, self.written, self.released, masks)
    }
}

pub(super) const LEASE: Duration = Duration::from_secs(60);
const WALL: u64 = 1;

impl Model {
    pub(super) fn rules(&self) -> Rules {
        Rules {
            // No rule looks at it.
            holder: 0,
            configuration: 0,
            lease: LEASE,
            deadline: LEASE / 2,
            store_retry: Duration::from_secs(1),
            // Pauses are abstract: whenever a refresh begins, they are over.
            backoff_first: Duration::ZERO,
            backoff_most: Duration::ZERO,
            revokes: self.bounds.revocation != Revocation::Nothing,
            revokes_alone: self.bounds.revocation == Revocation::Login
                || is_active(Mutation::RevokesOverALogin),
        }
    }

    pub(super) fn written(&self, world: &World, proc: usize) -> Option<Stored<Token>> {
        let memory = &world.procs[proc];
        let known = self
            .records
            .value(memory.known)
            .filter(|_| memory.written)?;
        Some((*known).clone())
    }

    /// The newest record known, in the store or not.
    fn newest(&self, world: &World, proc: usize) -> Option<Stored<Token>> {
        let known = self.records.value(world.procs[proc].known)?;
        Some((*known).clone())
    }

    fn stamp(&self, world: &World, proc: usize) -> Option<Stamp> {
        let known = self.records.value(world.procs[proc].known)?;
        known.record.live().map(crate::record::Live::stamp)
    }

    pub(super) fn begin(&mut self, world: &mut World, proc: usize, begin: Begin) {
        let known = self.newest(world, proc);
        let rules = self.rules();
        let (slot, actor) = match begin {
            Begin::Validate => (FLIGHT, validate(rules, known, None)),
            Begin::Refresh if self.written(world, proc).is_none() => (
                FLIGHT,
                validate(rules, known, Some(self.stamp(world, proc))),
            ),
            Begin::Refresh => {
                let wanted = self.stamp(world, proc);
                (FLIGHT, self.refresh(world, proc, wanted))
            }
            Begin::Login => (DETACHED, Actor::Login(Login::exchange(rules, known))),
            Begin::Adopt => {
                let tokens = super::provider::new_family(world, 0);
                world.families[tokens.family()].holders |= 1 << proc;
                (DETACHED, Actor::Login(Login::adopt(rules, known, tokens)))
            }
            Begin::Disconnect => (DETACHED, Actor::Disconnect(Disconnect::new(rules, known))),
        };
        self.launch(world, proc, slot, actor);
    }

    fn refresh(&self, world: &World, proc: usize, wanted: Option<Stamp>) -> Actor {
        let known = self.written(world, proc);
        let mask = world.procs[proc].released;
        let released = (1..64).filter(|id| mask >> id & 1 == 1).collect();
        Actor::Refresh(Refresh::new(self.rules(), known, wanted, released))
    }

    fn launch(&mut self, world: &mut World, proc: usize, slot: usize, actor: Actor) {
        let actor = self.actors.number(actor);
        world.procs[proc].tasks[slot] = Task {
            actor,
            before: world.procs[proc].known,
            ..Task::default()
        };
        self.feed(world, proc, slot, Input::Start);
    }

    /// Hands a machine what happened, and takes from it what is next.
    pub(super) fn feed(
        &mut self,
        world: &mut World,
        proc: usize,
        slot: usize,
        input: Input<Token>,
    ) {
        let task = world.procs[proc].tasks[slot];
        let names = self.names(world);
        let (version, id) = (names.free_version(), names.free_id());
        let landed = matches!(input, Input::Wrote(Wrote::Applied));
        let cx = Context {
            wall: WALL,
            mono: if landed && task.lapsed {
                LEASE
            } else {
                Duration::ZERO
            },
            id: u128::from(id),
            version: self.version(version),
            roll: 0.0,
        };
        let actor = self.actors.value(task.actor).expect("a task has an actor");
        let mut actor = (*actor).clone();
        let effect = match &mut actor {
            Actor::Refresh(machine) => match machine.step(input, &cx) {
                Step::Do(effect) => effect,
                Step::End(end) => return self.refreshed(world, proc, end),
            },
            Actor::Validate { machine, then } => match machine.step(input, &cx) {
                Step::Do(effect) => effect,
                Step::End(end) => {
                    let then = *then;
                    return self.validated(world, proc, end, then);
                }
            },
            Actor::Login(machine) => match machine.step(input, &cx) {
                Step::Do(effect) => effect,
                Step::End(end) => return self.logged_in(world, proc, end),
            },
            Actor::Disconnect(machine) => match machine.step(input, &cx) {
                Step::Do(effect) => effect,
                Step::End(end) => return self.disconnected(world, proc, end),
            },
            Actor::Farewell => {
                world.procs[proc].tasks[slot] = Task::default();
                if slot == FLIGHT {
                    self.finish_revocation(world, proc);
                }
                return;
            }
        };
        if let Effect::Write { after, .. } = &effect
            && let Some(record) = actor.in_hand()
            && (!after.is_zero() || record.is_ended())
        {
            let version = self.version(0);
            let record = record.clone();
            self.adopt(world, proc, Stored { version, record }, false);
        }
        if let Some(stored) = actor.ended() {
            self.adopt(world, proc, stored.clone(), true);
        }
        if let Effect::Revoke(token) = &effect {
            self.check_revocation(world, proc, *token);
        }
        let mut task = Task {
            actor: self.actors.number(actor),
            ..task
        };
        if let Effect::Write { write, .. } = &effect
            && write.version == cx.version
            && let Some(count) = write.claims(cx.id)
        {
            task.claim = id;
            task.count = count as u8;
            task.lapsed = false;
        }
        if let Effect::Write { write, .. } = &effect
            && let Some(live) = write.record.as_ref().and_then(|record| record.live())
            && live.generation == 1
        {
            // An adopted family has the number under which it is being written.
            let family = &mut world.families[live.tokens.family()];
            family.number = live.authorization.number as u8;
            family.authorization = live.authorization.id as u8;
        }
        task.pending = self.pending.number(Pending::Effect(effect));
        world.procs[proc].tasks[slot] = task;
    }

    fn refreshed(&mut self, world: &mut World, proc: usize, end: RefreshEnd<Token>) {
        let before = std::mem::take(&mut world.procs[proc].tasks[FLIGHT]).before;
        if matches!(end.outcome, RefreshOutcome::NotConnected) {
            forget(world, proc, before);
        }
        if let Some(stored) = end.stored {
            self.adopt(world, proc, stored, true);
        }
        world.procs[proc].released = end.released.iter().fold(0, |mask, id| mask | 1 << id);
        if let RefreshOutcome::Overtaken { revoke } = end.outcome {
            match revoke {
                Some(token) => self.farewell(world, proc, FLIGHT, token),
                None => self.finish_revocation(world, proc),
            }
        }
        self.write_tombstone(world, proc);
    }

    fn validated(
        &mut self,
        world: &mut World,
        proc: usize,
        end: ValidateEnd<Token>,
        then: Option<Option<Stamp>>,
    ) {
        let before = std::mem::take(&mut world.procs[proc].tasks[FLIGHT]).before;
        match end {
            ValidateEnd::StoreFailed => return,
            ValidateEnd::NotConnected => return forget(world, proc, before),
            ValidateEnd::Stands { stored, .. } => {
                let ended = matches!(stored.record.state, State::Ended(_));
                self.adopt(world, proc, stored, true);
                if ended {
                    self.finish_revocation(world, proc);
                }
            }
        }
        let Some(wanted) = then else { return };
        if wanted.is_some() && wanted != self.stamp(world, proc) {
            return;
        }
        let actor = self.refresh(world, proc, wanted);
        self.launch(world, proc, FLIGHT, actor);
    }

    fn logged_in(&mut self, world: &mut World, proc: usize, end: LoginEnd<Token>) {
        world.procs[proc].tasks[DETACHED] = Task::default();
        match end {
            LoginEnd::Connected { stored } => {
                self.adopt(world, proc, stored, true);
            }
            LoginEnd::Overtaken { stored, revoke } => {
                self.adopt(world, proc, stored, true);
                if let Some(token) = revoke {
                    self.farewell(world, proc, DETACHED, token);
                }
            }
            LoginEnd::Refused
            | LoginEnd::RevocationPending
            | LoginEnd::StoreFailed
            | LoginEnd::TooLate => {}
        }
    }

    fn disconnected(&mut self, world: &mut World, proc: usize, end: DisconnectEnd<Token>) {
        let before = std::mem::take(&mut world.procs[proc].tasks[DETACHED]).before;
        match end {
            DisconnectEnd::Ended { stored, .. } => {
                self.adopt(world, proc, stored, true);
                self.write_tombstone(world, proc);
            }
            DisconnectEnd::Superseded { stored, revoke } => {
                self.adopt(world, proc, stored, true);
                if let Some(token) = revoke {
                    self.farewell(world, proc, DETACHED, token);
                }
            }
            DisconnectEnd::NotConnected => forget(world, proc, before),
            DisconnectEnd::StoreFailed => {}
        }
    }

    fn farewell(&mut self, world: &mut World, proc: usize, slot: usize, token: Token) {
        self.check_revocation(world, proc, token);
        let actor = self.actors.number(Actor::Farewell);
        let pending = self.pending.number(Pending::Effect(Effect::Revoke(token)));
        world.procs[proc].tasks[slot] = Task {
            actor,
            pending,
            ..Task::default()
        };
    }

    /// Finishes the revocation that a tombstone asks for, unless the process is busy with a login or a disconnect.
    fn finish_revocation(&mut self, world: &mut World, proc: usize) {
        let known = self.written(world, proc);
        let asks = known.as_ref().is_some_and(|stored| {
            matches!(&stored.record.state, State::Ended(tombstone) if tombstone.revoke.is_some())
        });
        if asks && world.procs[proc].tasks[DETACHED].actor == 0 {
            let actor = Actor::Disconnect(Disconnect::new(self.rules(), known));
            self.launch(world, proc, DETACHED, actor);
        }
    }

    /// As `Slot::adopt` does.
    fn adopt(&mut self, world: &mut World, proc: usize, stored: Stored<Token>, written: bool) {
        let known = self.records.value(world.procs[proc].known);
        if let Some((stored, written)) = remember(&self.rules(), known.as_deref(), stored, written)
        {
            world.procs[proc].known = self.records.number(stored);
            world.procs[proc].written = written;
        }
    }

    /// As `keep::write_tombstone` does, unless a flight is under way: the next comparison does it then.
    fn write_tombstone(&mut self, world: &mut World, proc: usize) {
        let memory = world.procs[proc];
        let known = self
            .newest(world, proc)
            .filter(|known| matches!(known.record.state, State::Ended(_)));
        if known.is_some() && !memory.written && memory.tasks[FLIGHT].actor == 0 {
            self.launch(world, proc, FLIGHT, validate(self.rules(), known, None));
        }
    }
}

/// The store has no record, as seen by a task that began with `before`: forgets it, unless memory has moved on since.
pub(super) fn forget(world: &mut World, proc: usize, before: u32) {
    if world.procs[proc].known != before {
        return;
    }
    world.procs[proc].known = 0;
    world.procs[proc].written = false;
}

fn validate(rules: Rules, known: Option<Stored<Token>>, then: Option<Option<Stamp>>) -> Actor {
    Actor::Validate {
        machine: Validate::new(rules, known),
        then,
    }
}

/// All processes but those beyond the bounds.
pub(super) fn procs(model: &Model) -> std::ops::Range<usize> {
    0..model.bounds.procs.min(PROCS)
}
