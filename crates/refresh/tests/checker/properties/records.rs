//! Properties of the stored record.

use tokenkeeper_refresh::{Answer, Authorization, Cause, Health, Live, Login, Record, State};

use super::{
    super::{
        Model,
        pending::{Pending, Presented},
        token::Token,
        world::World,
    },
    Residual, Violation,
};

impl Model {
    /// Checks that a write does not replace a newer record.
    pub(crate) fn check_write(&mut self, before: &Record<Token>, after: Option<&Record<Token>>) {
        let Some(was) = before.authorization() else {
            return;
        };
        let makes_progress = after.and_then(Record::authorization).is_some_and(|is| {
            is.number > was.number
                || is == was
                    && after.is_some_and(|after| {
                        let disconnects = after.is_ended();
                        let connected = before.live().is_some();
                        (disconnects || connected) && generation(after) >= generation(before)
                    })
        });
        if !makes_progress {
            self.report(Violation::RecordRegressed, None);
        }
    }

    /// Checks that only the tokens of a newer login, or the mark of a forgotten account, replace a
    /// record that cannot be read.
    pub(crate) fn check_replacement(
        &mut self,
        before: Option<&Record<Token>>,
        after: Option<&Record<Token>>,
    ) {
        let known = before.and_then(Record::authorization);
        let replaces = after.is_some_and(|after| {
            let login = after.live().is_some_and(|live| live.generation == 1);
            let number = |it: Option<Authorization>| it.map_or(0, |it| it.number);
            let newer = number(after.authorization()) > number(known);
            after.is_forgotten() || login && newer
        });
        if !replaces {
            self.report(Violation::UnreadableLost, None);
        }
    }

    /// Checks that a disconnect ends a login by device code, which its tombstone names.
    pub(crate) fn check_disconnect(
        &mut self,
        world: &World,
        before: &Record<Token>,
        after: Option<&Record<Token>>,
    ) {
        let login = before.login.filter(|login| login.device);
        let (Some(login), Some(after)) = (login, after) else {
            return;
        };
        let ends = before.live().is_some() && after.is_ended();
        if ends && after.authorization() != Some(login.authorization) {
            let residual = world.rolled_back.then_some(Residual::StoreRolledBack);
            self.report(Violation::DeviceOutlivedDisconnect, residual);
        }
    }

    /// Checks that a login in flight has a unique number.
    pub(crate) fn check_number(&mut self, world: &World, login: &Login) {
        let Authorization { number, id } = login.authorization;
        let taken = self
            .exchanged(world)
            .into_iter()
            .any(|other| other.number == number && other.authorization != id);
        if taken {
            let residual = world.rolled_back.then_some(Residual::StoreRolledBack);
            self.report(Violation::DuplicateNumber, residual);
        }
    }

    /// Returns the codes that are at the token endpoint.
    pub(crate) fn exchanged(&self, world: &World) -> Vec<Presented> {
        let sends = world.procs.iter().flat_map(|memory| &memory.sends[1..]);
        sends
            .filter_map(|&send| self.pending.value(send)?.presented())
            .collect()
    }

    /// Checks the invariants of every state.
    pub(crate) fn check_state(&mut self, world: &World) {
        let Some(stored) = self.records.value(world.store) else {
            return;
        };
        let Some(live) = stored.1.live() else {
            return;
        };
        if live.authorization.number <= u64::from(world.ended) {
            self.report(Violation::Resurrected, None);
        }
        if let Health::Dead(cause) = &live.health {
            self.check_mark(world, live, cause);
        }
    }

    fn check_mark(&mut self, world: &World, live: &Live<Token>, cause: &Cause) {
        use Residual::{
            LateRequest, Partitioned, PausedBeforeSending, PresumedDead, StoreRolledBack,
        };
        let token = live.payload;
        let (family, index) = (&world.families[token.family()], token.index());
        let newest = Token::new(token.family(), family.current);
        let newer = !family.ended
            && newest != token
            && (family.holders != 0 || self.is_arriving(world, newest));
        let refused = family.refused >> index & 1 == 1;
        if !refused || newer {
            let excuses: &[Residual] = if newer {
                &[
                    StoreRolledBack,
                    PresumedDead,
                    Partitioned,
                    PausedBeforeSending,
                    LateRequest,
                ]
            } else {
                &[StoreRolledBack]
            };
            let residual = family.excuse(index, excuses);
            self.report(Violation::WrongMark, residual);
        } else if family.unread >> index & 1 == 1 && matches!(cause, Cause::Refused(_)) {
            let excuses = [
                StoreRolledBack,
                PresumedDead,
                Partitioned,
                PausedBeforeSending,
            ];
            self.report(Violation::WrongCause, family.excuse(index, &excuses));
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
