//! The store: a linearizable register with compare-and-set by version.
//!
//! The mark of a forgotten account is under another key, but a process reads and replaces it as if
//! it were the account's record. So it is one here.

use tokenkeeper_refresh::{Id, Outcome, Record, State, StoreAnswer, Write};
use tokenkeeper_store::Version;

use super::{
    Model,
    names::{number, version},
    properties::Residual,
    token::Token,
    world::{UNKNOWN, World},
};

/// The content of the store: a record and its version.
pub(crate) type Stored = (Version, Record<Token>);

impl Model {
    pub(crate) fn find(&self, world: &World) -> Option<Stored> {
        let stored = self.records.value(world.store);
        stored.map(|stored| Stored::clone(&stored))
    }

    /// Returns the answer to a read by a process. `None`: no failure is left.
    pub(crate) fn read(&self, world: &mut World, proc: usize) -> Option<StoreAnswer<Token>> {
        let Some((version, _)) = self.find(world).filter(|_| world.damaged) else {
            return Some(StoreAnswer::Found(self.find(world)));
        };
        note_unreadable(world)?;
        let concerned = self.account(world, proc).may_replace_unreadable();
        Some(if concerned {
            StoreAnswer::Unreadable(version)
        } else {
            StoreAnswer::Failed { hung: false }
        })
    }

    /// Writes a record if the version is the expected one.
    pub(crate) fn put(&mut self, world: &mut World, write: &Write<Token>) -> Outcome<Token> {
        if let Some(flow) = write.claims {
            return self.claim(world, flow, write);
        }
        let existing = self.find(world);
        if existing.as_ref().map(|(version, _)| *version) != write.expected {
            return match existing {
                Some((version, _)) if world.damaged => Outcome::Unreadable(version),
                existing => Outcome::Conflict(existing),
            };
        }
        let record = write.record.as_deref();
        if std::mem::take(&mut world.damaged) {
            self.check_replacement(existing.as_ref().map(|(_, before)| before), record);
            // What it listed is lost: logins in flight, tokens to revoke, the refresh token itself.
            world.rolled_back = true;
        }
        if let Some((_, before)) = &existing {
            self.check_write(before, record);
            self.check_disconnect(world, before, record);
            self.note_withdrawal(world, before, record);
        }
        if let Some(record) = record {
            self.note_write(world, existing.as_ref().map(|(_, before)| before), record);
        }
        let next = match record.cloned() {
            Some(record) => self.records.intern((write.version, record)),
            None => 0,
        };
        self.set(world, next);
        Outcome::Applied
    }

    /// Claims the code of a flow under the flow's key.
    fn claim(&mut self, world: &mut World, flow: Id, write: &Write<Token>) -> Outcome<Token> {
        if let Some(claim) = self.records.value(world.claim) {
            let claimed = claim.1.login.map(|login| login.authorization.id);
            return if claimed == Some(flow) {
                Outcome::Conflict(Some(Stored::clone(&claim)))
            } else {
                // Only the first login's callback comes again.
                Outcome::Applied
            };
        }
        let record = write.record.as_deref().expect("a claim is a record");
        world.claim = self.records.intern((write.version, record.clone()));
        Outcome::Applied
    }

    /// Notes a login that a write withdraws.
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
        // A record has room for one login, so one that this one replaced is forgotten.
        world.rolled_back |=
            is_over && newest.is_none_or(|newest| newest < login.authorization.number);
    }

    /// Notes the claims and tombstones of a write.
    fn note_write(
        &mut self,
        world: &mut World,
        before: Option<&Record<Token>>,
        after: &Record<Token>,
    ) {
        if let State::Ended(tombstone) = &after.state {
            // A mark keeps neither logins in flight nor tokens to revoke.
            world.rolled_back |= tombstone.forgotten;
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

    /// Makes the record unreadable, under a version that no process has seen: at one that it knows,
    /// a process may write, since it knows the record. `None`: there is none, or it is unreadable
    /// already.
    pub(crate) fn damage(&mut self, world: &mut World) -> Option<()> {
        let stored = self.records.value(world.store)?;
        if std::mem::replace(&mut world.damaged, true) {
            return None;
        }
        let damaged = version(self.mask(world).free_version());
        world.store = self.records.intern((damaged, stored.1.clone()));
        let login = stored.1.login.map(|login| login.authorization);
        let used = stored.1.used_flows.iter().map(|flow| flow.id);
        let shown = login.into_iter().chain(stored.1.authorization());
        if used
            .chain(shown.map(|it| it.id))
            .any(|id| number(id) == world.code.flow)
        {
            // The claim or the use of its code is lost.
            world.code.excuse = Some(Residual::StoreRolledBack);
        }
        // Later logins have a later time of day than those in the record.
        let newest = stored.1.authorization().into_iter().chain(login);
        let newest = newest.map(|it| it.number as u8).max();
        world.wall = world.wall.max(newest.unwrap_or_default() + 1);
        Some(())
    }

    fn set(&self, world: &mut World, next: u32) {
        world.past = match world.budget.failovers.min(world.budget.faults) {
            0 => [UNKNOWN; 2],
            _ => [world.store, world.past[0]],
        };
        world.store = next;
    }

    /// Fails over to the state before this many writes.
    pub(crate) fn fail_over(&self, world: &mut World, writes: usize) {
        // A lost attempt may be in flight, and a process that still knows the tokens writes them
        // back without it.
        for lost in &[world.store, world.past[0]][..writes] {
            let lost = self.records.value(*lost);
            let attempted = lost.as_ref().and_then(|stored| stored.1.live());
            if let Some(live) = attempted.filter(|live| live.attempt.is_some()) {
                let token = live.payload;
                world.families[token.family()]
                    .note_excuse(Residual::StoreRolledBack, token.index());
            }
        }
        self.roll_back(world, world.past[writes - 1]);
    }

    pub(crate) fn wipe(&self, world: &mut World) {
        self.roll_back(world, 0);
    }

    fn roll_back(&self, world: &mut World, to: u32) {
        world.store = to;
        world.damaged = false;
        world.past = [UNKNOWN; 2];
        world.ended = 0;
        world.rolled_back = true;
        // The token now in the store may have been presented and answered since, which the store
        // does not show. If the store is empty, that applies to any token that a process writes
        // back.
        match self.records.value(to) {
            Some(stored) => {
                if let Some(live) = stored.1.live() {
                    let token = live.payload;
                    world.families[token.family()]
                        .note_excuse(Residual::StoreRolledBack, token.index());
                }
            }
            None => {
                for family in world.families.iter_mut().filter(|family| family.exists()) {
                    for index in 0..=family.current {
                        family.note_excuse(Residual::StoreRolledBack, index);
                    }
                }
            }
        }
    }

    /// Expires the tombstone, if every process that knows the account has seen it.
    pub(crate) fn expire(&self, world: &mut World) -> Option<()> {
        let stored = self.records.value(world.store)?;
        let State::Ended(tombstone) = &stored.1.state else {
            return None;
        };
        let number = tombstone.authorization.number as u8;
        let known = |proc: &super::process::Process| {
            let account = self.accounts.value(proc.account);
            account.is_none_or(|account| account.record().is_none()) && proc.is_quiescent()
                || proc.seen_tombstone.0 >= number
        };
        if stored.1.login.is_some() || world.late_write > 0 || !world.procs.iter().all(known) {
            return None;
        }
        world.store = 0;
        world.damaged = false;
        world.past = [UNKNOWN; 2];
        world.wall = world.wall.max(number + 1);
        // The tokens that it listed for revocation are lost with it.
        world.rolled_back = true;
        Some(())
    }
}

/// Spends a failure of the store: a call that met a record that cannot be read.
pub(crate) fn note_unreadable(world: &mut World) -> Option<()> {
    let failures = &mut world.budget.failures;
    *failures = failures.checked_sub(1)?;
    Some(())
}
