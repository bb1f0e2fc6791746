//! What must hold, step by step: and which breaches no client can prevent.

use super::{
    Model,
    bounds::{Budget, Reuse, Revocation},
    process::procs,
    task::{DETACHED, FLIGHT, Pending},
    token::Token,
    world::{Begin, World},
};
use crate::{
    machine::Answer,
    record::{Live, Record, State},
};

/// A breach of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Breach {
    /// Another presentation of the token has neither been answered nor outlived its lease.
    PresentedTwice,
    /// A living process has an answer that says what became of the token.
    PresentedAfterAnswer,
    /// A living process received tokens, and they are neither in the store nor superseded nor revoked.
    TokensLost,
    /// Somebody waits, and nothing can ever happen.
    Deadlock,
    /// Something can go on happening for ever.
    Livelock,
    /// An account is marked for reauthorization though the provider did not refuse its newest token.
    MarkedWrongly,
    /// An older record was written over a newer one.
    WentBack,
    /// A disconnected account is connected again without a login.
    Resurrected,
    /// A revocation that reaches all logins of the account is sent by a process that knows of a newer one.
    LoggedOut,
}

/// Why a breach cannot be helped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Residual {
    /// A holder woke between its put and its send.
    WokeBeforeSending,
    /// A holder that lives was presumed dead after its lease.
    PresumedDead,
    /// A failover or a wipe lost the attempt, or its answer.
    SetBack,
}

impl Model {
    /// The refresh token is about to be presented.
    pub(super) fn check_presentation(
        &mut self,
        world: &mut World,
        proc: usize,
        slot: usize,
        token: Token,
    ) {
        let (mut held, mut outlived) = (false, false);
        for p in procs(self) {
            for s in [FLIGHT, DETACHED] {
                let task = world.procs[p].tasks[s];
                if (p, s) != (proc, slot) && self.presents(task.pending, token) {
                    held |= !task.lapsed;
                    outlived |= task.lapsed;
                }
            }
        }
        held |= world
            .orphans
            .iter()
            .any(|orphan| orphan.attempt > 0 && orphan.token == token.0);
        let family = &mut world.families[token.family()];
        let bit = 1 << token.index();
        let decided = family.decided[usize::from(token.index())] != 0;
        let woke = world.procs[proc].tasks[slot].lapsed;
        let breach = match (held || outlived, decided) {
            (_, true) => Breach::PresentedAfterAnswer,
            (true, _) => Breach::PresentedTwice,
            (false, false) => return,
        };
        // Who has the answer itself has no excuse.
        let knows = family.decided[usize::from(token.index())] >> proc & 1 == 1;
        let residual = if knows {
            None
        } else if woke {
            Some(Residual::WokeBeforeSending)
        } else if family.set_back & bit != 0 {
            Some(Residual::SetBack)
        } else if family.presumed & bit != 0 && !held {
            Some(Residual::PresumedDead)
        } else {
            None
        };
        family.tainted |= residual.is_some();
        self.found(breach, residual);
    }

    fn presents(&self, pending: u32, token: Token) -> bool {
        let pending = self.pending.value(pending);
        match pending.as_deref() {
            Some(Pending::OnWire(presented) | Pending::Answered(presented, _)) => {
                presented.token == Some(token)
            }
            _ => false,
        }
    }

    /// Tokens are about to be revoked.
    pub(super) fn check_revocation(&mut self, world: &World, proc: usize, token: Token) {
        let Some(known) = self.records.value(world.procs[proc].known) else {
            return;
        };
        let number = u64::from(world.families[token.family()].number);
        let newer = known
            .record
            .live()
            .is_some_and(|live| live.authorization.number > number);
        if newer && self.bounds.revocation == Revocation::Account {
            self.found(Breach::LoggedOut, None);
        }
    }

    /// A record is written over another.
    pub(super) fn check_write(&mut self, before: &Record<Token>, after: Option<&Record<Token>>) {
        let Some(was) = before.authorization() else {
            return;
        };
        let goes_on = after.and_then(Record::authorization).is_some_and(|is| {
            is.number > was.number
                || is == was
                    && after.is_some_and(|after| {
                        let disconnects = matches!(after.state, State::Ended(_));
                        let connected = matches!(before.state, State::Live(_));
                        (disconnects || connected) && generation(after) >= generation(before)
                    })
        });
        if !goes_on {
            self.found(Breach::WentBack, None);
        }
    }

    /// What must hold in every state.
    pub(super) fn check_state(&mut self, world: &World) {
        let Some(stored) = self.records.value(world.store) else {
            return;
        };
        let Some(live) = stored.record.live() else {
            return;
        };
        if live.authorization.number <= u64::from(world.ended) {
            self.found(Breach::Resurrected, None);
        }
        if live.is_dead() {
            self.check_mark(world, live);
        }
    }

    fn check_mark(&mut self, world: &World, live: &Live<Token>) {
        let token = live.tokens;
        let family = &world.families[token.family()];
        let bit = 1 << token.index();
        let newest = Token::new(token.family(), family.current);
        let newer = !family.ended
            && newest != token
            && (family.holders != 0 || self.is_arriving(world, newest));
        if family.refused & bit != 0 && !newer {
            return;
        }
        let residual = if family.set_back & bit != 0 {
            Some(Residual::SetBack)
        } else if family.tainted || family.presumed & bit != 0 && newer {
            Some(Residual::PresumedDead)
        } else {
            None
        };
        self.found(Breach::MarkedWrongly, residual);
    }

    /// The answer with these tokens is on its way to a living process.
    fn is_arriving(&self, world: &World, tokens: Token) -> bool {
        let tasks = world.procs.iter().flat_map(|memory| &memory.tasks);
        tasks
            .map(|task| self.pending.value(task.pending))
            .any(|pending| {
                matches!(pending.as_deref(), Some(Pending::Answered(_, Answer::Tokens(t))) if *t == tokens)
            })
    }

    pub(super) fn is_quiet(&self, world: &World) -> bool {
        let mut tasks = world.procs.iter().flat_map(|memory| &memory.tasks);
        tasks.all(|task| task.actor == 0)
    }

    /// Nothing is under way: once every process has compared its memory with the store, nothing is lost.
    pub(super) fn check_quiet(&mut self, world: &World) {
        let mut world = *world;
        world.down = false;
        world.stray = 0;
        world.budget = Budget::NONE;
        for _ in 0..2 {
            for proc in procs(self) {
                self.begin(&mut world, proc, Begin::Validate);
                if !self.run_out(&mut world) {
                    return self.found(Breach::Livelock, None);
                }
            }
        }
        self.check_state(&world);
        for family in 0..world.families.len() {
            if !self.is_kept(&world, family) {
                self.found(Breach::TokensLost, None);
            }
        }
    }

    /// Runs all tasks to their ends.
    fn run_out(&mut self, world: &mut World) -> bool {
        const MANY: usize = 100;
        for _ in 0..MANY {
            if self.is_quiet(world) {
                return true;
            }
            for proc in procs(self) {
                for slot in [FLIGHT, DETACHED] {
                    let _ = self.step(world, proc, slot, None);
                }
            }
        }
        false
    }

    fn is_kept(&self, world: &World, number: usize) -> bool {
        let family = &world.families[number];
        if family.ended || family.holders == 0 {
            return true;
        }
        let unordered = self.bounds.reuse == Reuse::FreshPair
            && (family.disordered || family.tainted || family.set_back != 0);
        if unordered {
            return true;
        }
        let Some(stored) = self.records.value(world.store) else {
            return false;
        };
        match &stored.record.state {
            State::Empty => false,
            State::Live(live) if live.tokens.family() == number => {
                live.tokens.index() == family.current
            }
            State::Live(live) => live.authorization.number >= u64::from(family.number),
            State::Ended(tombstone) => {
                let ended = tombstone.authorization;
                if ended.id == u128::from(family.authorization) {
                    self.bounds.revocation == Revocation::Nothing
                } else {
                    ended.number >= u64::from(family.number)
                }
            }
        }
    }
}

fn generation(record: &Record<Token>) -> u64 {
    match &record.state {
        State::Empty => 0,
        State::Live(live) => live.generation,
        State::Ended(tombstone) => tombstone.generation,
    }
}
