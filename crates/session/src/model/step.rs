//! Performs what a task waits for, well or badly.

use super::{
    Model,
    bounds::Revocation,
    mutation::{Mutation, is_active},
    provider::{Verdict, new_family},
    task::{Actor, Pending, Presented},
    token::Token,
    world::{Fault, PROCS, SLOTS, World},
};
use crate::{
    machine::{Answer, Effect, Input, Write, Wrote},
    record::{Live, State},
};

/// Whether the step could be taken.
pub(super) type Taken = Option<()>;

impl Model {
    /// Takes one step of a task. `None`: it cannot be taken now.
    ///
    /// While something can still go wrong, what lies between two steps of a process is a state of its own: it may be killed or paused
    /// there. Afterwards what only the process itself can see is part of the step before it.
    pub(super) fn step(
        &mut self,
        world: &mut World,
        proc: usize,
        slot: usize,
        fault: Option<Fault>,
    ) -> Taken {
        self.step_once(world, proc, slot, fault)?;
        if world.budget.faults > 0 {
            return Some(());
        }
        loop {
            let pending = world.procs[proc].tasks[slot].pending;
            match self.pending.value(pending).as_deref() {
                Some(Pending::Claimed | Pending::Answered(..)) => {}
                Some(Pending::Effect(Effect::Send(Some(_)))) => {
                    // From here on it counts as presented, and others must see it so before it is answered.
                    return self.step_once(world, proc, slot, None);
                }
                _ => return Some(()),
            }
            self.step_once(world, proc, slot, None)?;
        }
    }

    fn step_once(
        &mut self,
        world: &mut World,
        proc: usize,
        slot: usize,
        fault: Option<Fault>,
    ) -> Taken {
        let task = world.procs[proc].tasks[slot];
        let pending = self.pending.value(task.pending)?;
        let input = match (&*pending, fault) {
            (Pending::Effect(Effect::Read), None) if !world.down => Input::Found(self.find(world)),
            (Pending::Effect(Effect::Read), Some(Fault::RequestLost)) => {
                self.store_fails(world)?;
                Input::ReadFailed
            }
            (Pending::Effect(Effect::Write { write, .. }), None) if !world.down => {
                return self.write(world, proc, slot, write);
            }
            (Pending::Effect(Effect::Write { write, .. }), Some(fault)) => {
                self.write_badly(world, write, fault)?;
                Input::Wrote(Wrote::Failed)
            }
            (Pending::Claimed, None) => Input::Wrote(Wrote::Applied),
            (Pending::Claimed, Some(Fault::ReplyLate)) => {
                spend(&mut world.budget.slow_replies, &mut world.budget.faults)?;
                let task = &mut world.procs[proc].tasks[slot];
                // Nobody need wait for an attempt that can no longer be sent.
                (task.lapsed, task.claim) = (true, 0);
                Input::Wrote(Wrote::Applied)
            }
            (Pending::Effect(Effect::Send(token)), None) => {
                return self.send(world, proc, slot, *token);
            }
            (Pending::OnWire(presented), fault) => {
                let answer = self.answer(world, *presented, fault)?;
                return self.wait(world, proc, slot, Pending::Answered(*presented, answer));
            }
            (Pending::Answered(presented, answer), None) => {
                self.note_answer(world, proc, *presented, answer);
                Input::Answered(answer.clone())
            }
            (Pending::Effect(Effect::Watch { stored, .. }), fault) => {
                let there = self.find(world);
                if there.as_ref().map(|s| s.version) == Some(stored.version) {
                    self.lapse(world, proc, slot, fault)?;
                    Input::Lapsed(stored.clone())
                } else if fault.is_none() && !world.down {
                    Input::Found(there)
                } else {
                    return None;
                }
            }
            (Pending::Effect(Effect::Revoke(token)), fault) => {
                Input::Revoked(self.revoke(world, *token, fault)?)
            }
            _ => return None,
        };
        self.feed(world, proc, slot, input);
        Some(())
    }

    fn wait(&mut self, world: &mut World, proc: usize, slot: usize, pending: Pending) -> Taken {
        world.procs[proc].tasks[slot].pending = self.pending.number(pending);
        Some(())
    }

    fn store_fails(&self, world: &mut World) -> Taken {
        if world.down {
            return Some(());
        }
        spend(&mut world.budget.store_requests, &mut world.budget.faults)
    }

    fn write(
        &mut self,
        world: &mut World,
        proc: usize,
        slot: usize,
        write: &Write<Token>,
    ) -> Taken {
        let task = world.procs[proc].tasks[slot];
        let claims = task.claim > 0 && write.claims(u128::from(task.claim)).is_some();
        let wrote = match self.broken_write(world, proc, slot, write, claims) {
            Broken::Not => self.put(world, write),
            Broken::Wrote(wrote) => wrote,
            Broken::Over => {
                world.procs[proc].tasks[slot] = Default::default();
                return Some(());
            }
        };
        if claims && matches!(wrote, Wrote::Applied) {
            return self.wait(world, proc, slot, Pending::Claimed);
        }
        self.feed(world, proc, slot, Input::Wrote(wrote));
        Some(())
    }

    /// What a broken protocol does instead of a plain conditional write.
    fn broken_write(
        &mut self,
        world: &mut World,
        proc: usize,
        slot: usize,
        write: &Write<Token>,
        claims: bool,
    ) -> Broken {
        let actor = self.actors.value(world.procs[proc].tasks[slot].actor);
        let refreshes = matches!(actor.as_deref(), Some(Actor::Refresh(_)));
        let result = actor.as_deref().and_then(Actor::in_hand);
        let dead = result
            .and_then(|record| record.live())
            .is_some_and(Live::is_dead);
        let fits = self.find(world).map(|stored| stored.version) == write.expected;
        let claims = claims && refreshes;
        if claims && is_active(Mutation::NoAttempt) {
            return Broken::Wrote(Wrote::Applied);
        }
        if claims && is_active(Mutation::AttemptOverConflict)
            || result.is_some() && !dead && is_active(Mutation::CommitWithoutVersion)
            || dead && is_active(Mutation::MarkDeadWithoutVersion)
        {
            self.put_blindly(world, write);
            return Broken::Wrote(Wrote::Applied);
        }
        if result.is_some() && !fits && is_active(Mutation::ResultGivenUpOnConflict) {
            return Broken::Over;
        }
        if let (Some(Actor::Disconnect(_)), Some(record)) = (actor.as_deref(), &write.record)
            && let State::Ended(tombstone) = &record.state
            && fits
            && is_active(Mutation::DisconnectAsDelete)
        {
            self.set(world, 0);
            let known = world.procs[proc].known;
            super::process::forget(world, proc, known);
            world.ended = tombstone.authorization.number as u8;
            if let Some(token) = tombstone.revoke {
                world.families[token.family()].revoke(token.index());
            }
            return Broken::Over;
        }
        Broken::Not
    }

    fn write_badly(&mut self, world: &mut World, write: &Write<Token>, fault: Fault) -> Taken {
        match fault {
            Fault::RequestLost => self.store_fails(world),
            Fault::ReplyLost if !world.down => {
                spend(&mut world.budget.store_replies, &mut world.budget.faults)?;
                let _ = self.put(world, write);
                Some(())
            }
            Fault::RequestLate if world.stray == 0 => {
                spend(&mut world.budget.strays, &mut world.budget.faults)?;
                let after = std::time::Duration::ZERO;
                let write = write.clone();
                world.stray = self
                    .pending
                    .number(Pending::Effect(Effect::Write { after, write }));
                Some(())
            }
            _ => None,
        }
    }

    /// A write that was given up lands after all.
    pub(super) fn stray_lands(&mut self, world: &mut World) -> Taken {
        let stray = self.pending.value(world.stray).filter(|_| !world.down)?;
        world.stray = 0;
        if let Pending::Effect(Effect::Write { write, .. }) = &*stray {
            let _ = self.put(world, write);
        }
        Some(())
    }

    fn send(&mut self, world: &mut World, proc: usize, slot: usize, token: Option<Token>) -> Taken {
        let count = world.procs[proc].tasks[slot].count;
        if let Some(token) = token {
            self.check_presentation(world, proc, slot, token);
        }
        self.wait(
            world,
            proc,
            slot,
            Pending::OnWire(Presented { token, count }),
        )
    }

    /// The provider's part of a presentation.
    fn answer(
        &mut self,
        world: &mut World,
        presented: Presented,
        fault: Option<Fault>,
    ) -> Option<Answer<Token>> {
        let faults = &mut world.budget.faults;
        match fault {
            Some(Fault::Transient) => {
                spend(&mut world.budget.refusals, faults)?;
                return Some(Answer::Transient { retry_after: None });
            }
            Some(Fault::RequestLost) => {
                spend(&mut world.budget.requests, faults)?;
                return Some(self.no_answer(presented));
            }
            Some(Fault::ReplyLost) => spend(&mut world.budget.answers, faults)?,
            Some(_) => return None,
            None => {}
        }
        let verdict = match presented.token {
            Some(token) => {
                let (family, index) = (token.family(), token.index());
                let reuse = self.bounds.reuse;
                world.families[family].present(family, index, presented.count, reuse)
            }
            None => Verdict::Tokens(new_family(world, presented.count)),
        };
        Some(match (fault, verdict) {
            (Some(_), _) => self.no_answer(presented),
            (None, Verdict::Tokens(token)) => Answer::Tokens(token),
            (None, Verdict::Refused) => Answer::Terminal { code: None },
        })
    }

    fn no_answer(&self, presented: Presented) -> Answer<Token> {
        let over = is_active(Mutation::NeverReplay)
            || is_active(Mutation::CapOnReplays) && presented.count >= 2;
        if over && presented.token.is_some() {
            return Answer::Terminal { code: None };
        }
        Answer::Ambiguous
    }

    /// Who knows what the provider decided.
    fn note_answer(
        &self,
        world: &mut World,
        proc: usize,
        presented: Presented,
        answer: &Answer<Token>,
    ) {
        let decisive = matches!(answer, Answer::Tokens(_) | Answer::Terminal { .. });
        if let Some(token) = presented.token.filter(|_| decisive) {
            let family = &mut world.families[token.family()];
            family.decided[usize::from(token.index())] |= 1 << proc;
        }
        if let Answer::Tokens(token) = answer {
            let family = &mut world.families[token.family()];
            if family.current == token.index() {
                family.holders |= 1 << proc;
            }
        }
    }

    /// The watched lease ends: at once where nobody lives to hold it, and else only if the holder was paused for so long.
    fn lapse(
        &mut self,
        world: &mut World,
        proc: usize,
        slot: usize,
        fault: Option<Fault>,
    ) -> Taken {
        if world.down {
            return None;
        }
        let there = self.find(world)?;
        let live = there.record.live()?;
        let attempt = live.attempt?.id as u8;
        let token = live.tokens;
        let lives = (0..PROCS)
            .flat_map(|p| (0..SLOTS).map(move |s| (p, s)))
            .filter(|&other| other != (proc, slot))
            .map(|(p, s)| world.procs[p].tasks[s])
            .any(|task| task.actor > 0 && task.claim == attempt && !task.lapsed);
        match (lives, fault) {
            (false, None) => {}
            (true, None) if is_active(Mutation::LeaseByWallClock) => {}
            (true, Some(Fault::HolderPaused)) => {
                spend(&mut world.budget.pauses, &mut world.budget.faults)?;
                let holders = world.procs.iter_mut().flat_map(|memory| &mut memory.tasks);
                for task in holders.filter(|task| task.claim == attempt) {
                    task.lapsed = true;
                }
                world.families[token.family()].presumed |= 1 << token.index();
            }
            _ => return None,
        }
        for orphan in &mut world.orphans {
            if orphan.attempt == attempt {
                *orphan = Default::default();
            }
        }
        world.orphans.sort_unstable();
        Some(())
    }

    fn revoke(&self, world: &mut World, token: Token, fault: Option<Fault>) -> Option<bool> {
        match fault {
            Some(Fault::RequestLost) => {
                spend(&mut world.budget.revocations, &mut world.budget.faults)?;
                return Some(false);
            }
            Some(_) => return None,
            None => {}
        }
        let ends = world.families[token.family()].revoke(token.index());
        if ends && self.bounds.revocation == Revocation::Account {
            let families = world.families.iter_mut();
            for family in families.filter(|family| family.exists()) {
                family.ended = true;
            }
        }
        Some(true)
    }
}

#[expect(clippy::large_enum_variant, reason = "made and taken apart at once")]
enum Broken {
    Not,
    Wrote(Wrote<Token>),
    /// The task ends here.
    Over,
}

pub(super) fn spend(kind: &mut u8, faults: &mut u8) -> Taken {
    (*kind, *faults) = (kind.checked_sub(1)?, faults.checked_sub(1)?);
    Some(())
}
