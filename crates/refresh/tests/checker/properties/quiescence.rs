//! Properties of quiescent states, in which nothing is in flight.

use tokenkeeper_refresh::{Input, State};

use super::{
    super::{
        Model,
        bounds::{Budget, Reuse, Revocation},
        moment::Moment,
        process::{SENDS, procs},
        token::Token,
        world::{Event, Op, TimerKind, World},
    },
    Residual, Violation,
};

impl Model {
    pub(crate) fn is_quiescent(&self, world: &World) -> bool {
        world
            .procs
            .iter()
            .all(super::super::process::Process::is_quiescent)
    }

    /// Checks that nothing is lost once every process has compared its memory with the store.
    pub(crate) fn check_quiescence(&mut self, world: &World) {
        let mut world = *world;
        (world.down, world.damaged) = (false, false);
        (world.late_write, world.late_request) = (0, 0);
        world.budget = Budget::NONE;
        for proc in procs(self) {
            world.procs[proc].partitioned = false;
        }
        for _ in 0..2 {
            for proc in procs(self) {
                self.drive(&mut world, proc, Input::Compare, Moment::NOW);
                if !self.run_out(&mut world) {
                    return self.report(Violation::Livelock, None);
                }
            }
        }
        self.check_state(&world);
        for family in 0..world.families.len() {
            if !self.is_kept(&world, family) {
                self.report(Violation::TokensLost, None);
            } else if self.is_unrevoked(&world, family) {
                let residual = world.rolled_back.then_some(Residual::StoreRolledBack);
                self.report(Violation::Unrevoked, residual);
            }
        }
        for proc in procs(self) {
            self.check_published(&world, proc);
        }
    }

    /// Checks that the known token is the published one.
    fn check_published(&mut self, world: &World, proc: usize) {
        let account = self.account(world, proc);
        let live = account.record().and_then(|known| known.live());
        let published = Token::of_code(world.procs[proc].published);
        if live.map(|live| live.payload) != published {
            self.report(Violation::TokenWithheld, None);
        }
    }

    /// Runs all operations to completion. Returns whether they completed.
    fn run_out(&mut self, world: &mut World) -> bool {
        const MANY: usize = 100;
        for _ in 0..MANY {
            if self.is_quiescent(world) {
                return true;
            }
            for proc in procs(self) {
                for op in [Op::Write, Op::Read, Op::Revoke] {
                    let _ = self.step(world, proc, op);
                }
                for slot in 0..SENDS {
                    let op = Op::Send(slot);
                    let _ = self.step(world, proc, op);
                }
                for timer in [
                    TimerKind::Write,
                    TimerKind::Revoke,
                    TimerKind::Device(0),
                    TimerKind::Device(1),
                ] {
                    let _ = self.apply(world, Event::Fire { proc, timer });
                }
            }
        }
        false
    }

    /// Returns whether a living process has valid tokens of a replaced login.
    fn is_unrevoked(&self, world: &World, number: usize) -> bool {
        let family = &world.families[number];
        let stored = self.records.value(world.store);
        let replaced = stored
            .and_then(|stored| stored.1.authorization())
            .is_some_and(|stored| stored.number > u64::from(family.number));
        let alone = self.bounds.revocation == Revocation::Login;
        alone && replaced && !family.ended && family.holders > 0
    }

    fn is_kept(&self, world: &World, number: usize) -> bool {
        let family = &world.families[number];
        if family.ended || family.holders == 0 {
            return true;
        }
        if self.bounds.reuse == Reuse::FreshPair && family.disordered {
            return true;
        }
        let Some(stored) = self.records.value(world.store) else {
            return false;
        };
        match &stored.1.state {
            State::Empty => false,
            State::Live(live) if live.payload.family() == number => {
                live.payload.index() == family.current
            }
            State::Live(live) => live.authorization.number >= u64::from(family.number),
            State::Ended(tombstone) => {
                let ended = tombstone.authorization;
                if super::super::names::number(ended.id) == family.authorization {
                    tombstone.forgotten || self.bounds.revocation == Revocation::Nothing
                } else {
                    ended.number >= u64::from(family.number)
                }
            }
        }
    }
}
