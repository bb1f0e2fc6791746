//! The store: one linearizable register, compared and set by version.

use tokenkeeper_refresh::{Outcome, Record, State, Write};
use tokenkeeper_store::Version;

use super::{
    Model,
    names::number,
    properties::Residual,
    token::Token,
    world::{UNKNOWN, World},
};

/// What the store has: a record and its version.
pub(crate) type Stored = (Version, Record<Token>);

impl Model {
    pub(crate) fn find(&self, world: &World) -> Option<Stored> {
        let stored = self.records.value(world.store);
        stored.map(|stored| Stored::clone(&stored))
    }

    /// Compares and writes.
    pub(crate) fn put(&mut self, world: &mut World, write: &Write<Token>) -> Outcome<Token> {
        let existing = self.find(world);
        if existing.as_ref().map(|(version, _)| *version) != write.expected {
            return Outcome::Conflict(existing);
        }
        let record = write.record.as_deref();
        if let Some((_, before)) = &existing {
            self.check_write(before, record);
            self.note_withdrawal(world, before, record);
        }
        if let Some(record) = record {
            self.note_write(world, existing.as_ref().map(|(_, before)| before), record);
        }
        let next = match record.cloned() {
            Some(record) => self.records.number((write.version, record)),
            None => 0,
        };
        self.set(world, next);
        Outcome::Applied
    }

    /// Takes note of a login that is withdrawn.
    fn note_withdrawal(
        &self,
        world: &mut World,
        before: &Record<Token>,
        after: Option<&Record<Token>>,
    ) {
        let Some(login) = before.login else {
            return;
        };
        let pending = after.and_then(|after| after.login);
        let pending = pending.map(|login| login.authorization);
        let stored = after.and_then(Record::authorization);
        let newest = stored
            .into_iter()
            .chain(pending)
            .map(|newest| newest.number)
            .max();
        let mut exchanged = self.exchanged(world).into_iter();
        let is_over = exchanged.all(|other| other.authorization != login.authorization.id);
        // A record has room for one login: one that this one replaced is forgotten.
        world.set_back |=
            is_over && newest.is_none_or(|newest| newest < login.authorization.number);
    }

    /// Takes note of claims and tombstones that a write brings.
    fn note_write(
        &mut self,
        world: &mut World,
        before: Option<&Record<Token>>,
        after: &Record<Token>,
    ) {
        if let State::Ended(tombstone) = &after.state {
            world.ended = world.ended.max(tombstone.authorization.number as u8);
        }
        let attempt = |record: &Record<Token>| Some(record.live()?.attempt.as_deref()?.id);
        if let Some(live) = after.live()
            && let Some(id) = attempt(after)
            && before.and_then(attempt) != Some(id)
        {
            let token = live.payload;
            let claims = &mut world.families[token.family()].claims[usize::from(token.index())];
            *claims += 1;
            for proc in &mut world.procs {
                if proc.claim == number(id) {
                    proc.count = *claims;
                }
            }
        }
    }

    fn set(&self, world: &mut World, next: u32) {
        world.past = match world.budget.failovers.min(world.budget.faults) {
            0 => [UNKNOWN; 2],
            _ => [world.store, world.past[0]],
        };
        world.store = next;
    }

    /// The store goes back by this many writes.
    pub(crate) fn fail_over(&self, world: &mut World, writes: usize) {
        // An attempt that is lost may be in flight, and a process that still knows the tokens
        // writes them back without it.
        for lost in &[world.store, world.past[0]][..writes] {
            let lost = self.records.value(*lost);
            let attempted = lost.as_ref().and_then(|stored| stored.1.live());
            if let Some(live) = attempted.filter(|live| live.attempt.is_some()) {
                let token = live.payload;
                world.families[token.family()].mark(Residual::SetBack, token.index());
            }
        }
        self.set_back(world, world.past[writes - 1]);
    }

    pub(crate) fn wipe(&self, world: &mut World) {
        self.set_back(world, 0);
    }

    fn set_back(&self, world: &mut World, to: u32) {
        world.store = to;
        world.past = [UNKNOWN; 2];
        world.ended = 0;
        world.set_back = true;
        // What is in the store now may have been presented and answered since, and nothing there
        // shows it. Where nothing is there, that holds for whatever a process writes back.
        match self.records.value(to) {
            Some(stored) => {
                if let Some(live) = stored.1.live() {
                    let token = live.payload;
                    world.families[token.family()].mark(Residual::SetBack, token.index());
                }
            }
            None => {
                for family in world.families.iter_mut().filter(|family| family.exists()) {
                    for index in 0..=family.current {
                        family.mark(Residual::SetBack, index);
                    }
                }
            }
        }
    }

    /// The tombstone expires, if every process that knows the account knows of it.
    pub(crate) fn expire(&self, world: &mut World) -> Option<()> {
        let stored = self.records.value(world.store)?;
        let State::Ended(tombstone) = &stored.1.state else {
            return None;
        };
        let number = tombstone.authorization.number as u8;
        let known = |proc: &super::process::Proc| {
            let account = self.accounts.value(proc.account);
            account.is_none_or(|account| account.record().is_none()) && proc.is_quiet()
                || proc.knows_ended.0 >= number
        };
        if stored.1.login.is_some() || world.stray > 0 || !world.procs.iter().all(known) {
            return None;
        }
        world.store = 0;
        world.past = [UNKNOWN; 2];
        world.wall = world.wall.max(number + 1);
        // What it noted for revocation is forgotten with it.
        world.set_back = true;
        Some(())
    }
}
