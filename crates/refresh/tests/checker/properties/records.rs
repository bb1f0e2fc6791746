//! What the store has.

use tokenkeeper_refresh::{Answer, Authorization, Cause, Health, Live, Login, Record, State};

use super::{
    super::{
        Model,
        pending::{Pending, Presented},
        token::Token,
        world::World,
    },
    Breach, Residual,
};

impl Model {
    /// A record is written over another.
    pub(crate) fn check_write(&mut self, before: &Record<Token>, after: Option<&Record<Token>>) {
        let Some(was) = before.authorization() else {
            return;
        };
        let goes_on = after.and_then(Record::authorization).is_some_and(|is| {
            is.number > was.number
                || is == was
                    && after.is_some_and(|after| {
                        let disconnects = after.is_ended();
                        let connected = before.live().is_some();
                        (disconnects || connected) && generation(after) >= generation(before)
                    })
        });
        if !goes_on {
            self.found(Breach::WentBack, None);
        }
    }

    /// The code of a login is about to be sent.
    pub(crate) fn check_number(&mut self, world: &World, login: &Login) {
        let Authorization { number, id } = login.authorization;
        let taken = self
            .exchanged(world)
            .into_iter()
            .any(|other| other.number == number && other.authorization != id);
        if taken {
            let residual = world.set_back.then_some(Residual::SetBack);
            self.found(Breach::NumberTaken, residual);
        }
    }

    /// The codes that are at the token endpoint.
    pub(crate) fn exchanged(&self, world: &World) -> Vec<Presented> {
        let sends = world.procs.iter().flat_map(|memory| &memory.sends[1..]);
        sends
            .filter_map(|&send| self.pending.value(send)?.presented())
            .collect()
    }

    /// What must hold in every state.
    pub(crate) fn check_state(&mut self, world: &World) {
        let Some(stored) = self.records.value(world.store) else {
            return;
        };
        let Some(live) = stored.1.live() else {
            return;
        };
        if live.authorization.number <= u64::from(world.ended) {
            self.found(Breach::Resurrected, None);
        }
        if let Health::Dead(cause) = &live.health {
            self.check_mark(world, live, cause);
        }
    }

    fn check_mark(&mut self, world: &World, live: &Live<Token>, cause: &Cause) {
        use Residual::{CutOff, HandledLate, PresumedDead, SetBack, WokeBeforeSending};
        let token = live.payload;
        let (family, index) = (&world.families[token.family()], token.index());
        let newest = Token::new(token.family(), family.current);
        let newer = !family.ended
            && newest != token
            && (family.holders != 0 || self.is_arriving(world, newest));
        let refused = family.refused >> index & 1 == 1;
        if !refused || newer {
            let causes: &[Residual] = if newer {
                &[
                    SetBack,
                    PresumedDead,
                    CutOff,
                    WokeBeforeSending,
                    HandledLate,
                ]
            } else {
                &[SetBack]
            };
            let residual = family.cause(index, causes);
            self.found(Breach::MarkedWrongly, residual);
        } else if family.unread >> index & 1 == 1 && matches!(cause, Cause::Refused(_)) {
            let causes = [SetBack, PresumedDead, CutOff, WokeBeforeSending];
            self.found(Breach::CauseWrong, family.cause(index, &causes));
        }
    }

    /// The answer with these tokens is on its way to a living process.
    fn is_arriving(&self, world: &World, tokens: Token) -> bool {
        let sends = world.procs.iter().map(|memory| memory.sends[0]);
        sends
            .map(|send| self.pending.value(send))
            .any(|pending| match pending.as_deref() {
                Some(Pending::Answered(_, Answer::Tokens(t))) => *t == tokens,
                _ => false,
            })
    }
}

fn generation(record: &Record<Token>) -> u64 {
    match &record.state {
        State::Empty => 0,
        State::Live(live) => live.generation,
        State::Ended(tombstone) => tombstone.generation,
    }
}
