//! Properties of presentations and revocations.

use tokenkeeper_refresh::{Id, Live, Record};

use super::{
    super::{
        Model, bounds::Revocation, names::number, pending::Pending, process::procs, token::Token,
        world::World,
    },
    Residual, Violation,
};

impl Model {
    /// Checks that a refresh token may be presented.
    pub(crate) fn check_presentation(&mut self, world: &mut World, proc: usize, token: Token) {
        let (mut held, mut outlived) = (false, false);
        for p in procs(self).filter(|&p| p != proc) {
            let memory = &world.procs[p];
            if self.presents(memory.sends[0], token) {
                held |= !memory.lapsed;
                outlived |= memory.lapsed;
            }
        }
        held |= world
            .orphans
            .iter()
            .any(|orphan| orphan.attempt > 0 && orphan.token == token.0);
        let family = &mut world.families[token.family()];
        let index = token.index();
        let decided = family.decided[usize::from(index)];
        let violation = match (held || outlived, decided != 0) {
            (_, true) => Violation::PresentedAfterAnswer,
            (true, _) => Violation::PresentedTwice,
            (false, false) => return,
        };
        let residual = if decided >> proc & 1 == 1 {
            // The presenting process has the answer itself.
            None
        } else if world.procs[proc].lapsed {
            Some(Residual::PausedBeforeSending)
        } else if held {
            family.excuse(index, &[Residual::StoreRolledBack])
        } else {
            use Residual::{Partitioned, PresumedDead, StoreRolledBack};
            family.excuse(index, &[StoreRolledBack, PresumedDead, Partitioned])
        };
        if let Some(cause) = residual {
            family.note_excuse(cause, index);
        }
        self.report(violation, residual);
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

    /// Checks that the code of a login may be presented.
    pub(crate) fn check_code(&mut self, world: &mut World, proc: usize, authorization: Id) {
        if number(authorization) != world.code.flow {
            return;
        }
        let held = procs(self).any(|p| {
            world.procs[p].sends[1..].iter().any(|&send| {
                matches!(
                    self.pending.value(send).as_deref(),
                    Some(Pending::OnWire(other) | Pending::Answered(other, _))
                        if other.token.is_none() && other.authorization == authorization
                )
            })
        });
        let violation = match (held, world.code.decided) {
            (_, 1..) => Violation::PresentedAfterAnswer,
            (true, 0) => Violation::PresentedTwice,
            (false, 0) => return,
        };
        let residual = if world.code.decided >> proc & 1 == 1 {
            None
        } else {
            code_excuse(world)
        };
        world.code.excuse = world.code.excuse.or(residual);
        self.report(violation, residual);
    }

    /// Checks a second exchange of a code, which ends its family.
    pub(crate) fn check_code_reuse(&mut self, world: &World, family: usize) {
        let family = &world.families[family];
        if !family.ended && family.holders != 0 {
            self.report(Violation::FamilyEnded, code_excuse(world));
        }
    }

    /// Checks a presentation that may end its family at a provider that detects reuse.
    pub(crate) fn check_reuse(&mut self, world: &World, token: Token) {
        let family = &world.families[token.family()];
        let index = token.index();
        if family.ended || index == family.current || family.holders == 0 {
            return;
        }
        let residual = family.excuse(index, &Residual::ALL);
        self.report(Violation::FamilyEnded, residual);
    }

    /// Checks that a refresh presents the token set that it should replace.
    pub(crate) fn check_wanted(&mut self, world: &World, proc: usize, live: &Live<Token>) {
        let wanted = world.procs[proc].wanted;
        let presented = (live.authorization.number as u8, live.generation as u8);
        if wanted != (0, 0) && wanted != presented {
            self.report(Violation::NeedlessRefresh, None);
        }
    }

    /// Checks that a process does not watch its own attempts only.
    pub(crate) fn check_watch(
        &mut self,
        world: &World,
        proc: usize,
        known: Option<&Record<Token>>,
    ) {
        let refresh = known.and_then(|known| known.live()?.attempt.as_deref());
        let login = known.and_then(|known| Some(&known.login.as_ref()?.attempt));
        let holder = world.procs[proc].holder;
        let mut own = [refresh, login].into_iter().flatten();
        let mine = own.clone().count() > 0 && own.all(|attempt| number(attempt.holder) == holder);
        if mine {
            self.report(Violation::WaitsForItself, None);
        }
    }

    /// Checks that a revocation does not end a newer login.
    pub(crate) fn check_revocation(
        &mut self,
        world: &World,
        known: Option<&Record<Token>>,
        token: Token,
    ) {
        let number = u64::from(world.families[token.family()].number);
        let newer = known
            .and_then(Record::live)
            .is_some_and(|live| live.authorization.number > number);
        if newer && self.bounds.revocation == Revocation::Account {
            self.report(Violation::NewerLoginRevoked, None);
        }
    }
}

/// Returns why no client can prevent a second presentation of the code.
fn code_excuse(world: &World) -> Option<Residual> {
    let rolled_back = world.rolled_back.then_some(Residual::StoreRolledBack);
    world.code.excuse.or(rolled_back)
}
