//! Presentations of refresh tokens, and revocations.

use tokenkeeper_refresh::{Live, Record};

use super::{
    super::{
        Model, bounds::Revocation, names::number, pending::Pending, process::procs, token::Token,
        world::World,
    },
    Breach, Residual,
};

impl Model {
    /// The refresh token is about to be presented.
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
        let breach = match (held || outlived, decided != 0) {
            (_, true) => Breach::PresentedAfterAnswer,
            (true, _) => Breach::PresentedTwice,
            (false, false) => return,
        };
        let residual = if decided >> proc & 1 == 1 {
            // It has the answer itself.
            None
        } else if world.procs[proc].lapsed {
            Some(Residual::WokeBeforeSending)
        } else if held {
            family.cause(index, &[Residual::SetBack])
        } else {
            use Residual::{CutOff, PresumedDead, SetBack};
            family.cause(index, &[SetBack, PresumedDead, CutOff])
        };
        if let Some(cause) = residual {
            family.mark(cause, index);
        }
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

    /// A token reaches a provider that ends a family whose tokens are used again.
    pub(crate) fn check_reuse(&mut self, world: &World, token: Token) {
        let family = &world.families[token.family()];
        let index = token.index();
        if family.ended || index == family.current || family.holders == 0 {
            return;
        }
        let residual = family.cause(index, &Residual::ALL);
        self.found(Breach::FamilyKilled, residual);
    }

    /// A refresh is about to present the token of this record.
    pub(crate) fn check_wanted(&mut self, world: &World, proc: usize, live: &Live<Token>) {
        let wanted = world.procs[proc].wanted;
        let presented = (live.authorization.number as u8, live.generation as u8);
        if wanted != (0, 0) && wanted != presented {
            self.found(Breach::RefreshedNeedlessly, None);
        }
    }

    /// A process begins to watch the attempt in this record, or goes on.
    pub(crate) fn check_watch(
        &mut self,
        world: &World,
        proc: usize,
        known: Option<&Record<Token>>,
    ) {
        let attempt = known.and_then(|known| known.live()?.attempt.as_deref());
        if attempt.is_some_and(|attempt| number(attempt.holder) == world.procs[proc].holder) {
            self.found(Breach::WaitsForItself, None);
        }
    }

    /// Tokens are about to be revoked.
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
            self.found(Breach::LoggedOut, None);
        }
    }
}
