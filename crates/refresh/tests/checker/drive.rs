//! Drives an account machine: hands it an input and performs its actions.

use tokenkeeper_refresh::{
    Account, Action, Candidate, Context, Failure, Input, Outcome, Queue, Record, Reply, State,
    StoreAnswer, Timer, Write,
};

use super::{
    Model,
    moment::Moment,
    names::{Mask, id, number, version},
    pending::{Pending, Presented},
    process::{CHANGES, Process, SENDS},
    properties::Violation,
    token::Token,
    world::World,
};

impl Model {
    pub(crate) fn account(&self, world: &World, proc: usize) -> std::rc::Rc<Account<Token>> {
        let account = self.accounts.value(world.procs[proc].account);
        account.expect("a process has an account")
    }

    /// Hands an input to an account, performs its actions, and returns the reply for the caller.
    pub(crate) fn drive(
        &mut self,
        world: &mut World,
        proc: usize,
        input: Input<Token>,
        at: Moment,
    ) -> Option<Reply> {
        note_shown(&mut world.procs[proc], &input);
        let at = if world.procs[proc].late && at.now == 0 {
            Moment {
                now: Moment::AFTER_DEVICE_LEASE.now,
                ..at
            }
        } else if world.procs[proc].waits.token && at.now == 0 {
            // Time stands still until the waiting caller has asked again.
            Moment {
                now: Moment::EXPIRED.now,
                ..at
            }
        } else {
            at
        };
        let wants = matches!(input, Input::Wanted { .. });
        let names = self.mask(world);
        let memory = &mut world.procs[proc];
        self.rules.holder = id(memory.holder);
        let (wall, closing) = (world.wall, memory.closing);
        let cx = self.context(names, at, wall, closing);
        let account = self.accounts.value(memory.account);
        let mut account = Account::clone(&account.expect("a process has an account"));
        let joining = (wants && account.joins_refresh(cx.now)).then(|| account.clone());
        let actions = account.handle(input, &cx);
        if let Some(before) = joining {
            let reply = Reply::Wait {
                queue: Queue::Refresh,
                briefly: false,
            };
            assert_eq!((&actions.reply, &*actions.list), (&Some(reply), &[][..]));
            assert_eq!(account, before, "the step can be left out");
        }
        let known = account.record().cloned();
        let refreshes = account.is_refreshing();
        memory.account = self.accounts.intern(account);
        wait(memory, actions.reply.as_ref(), wants);
        let mut asks = false;
        for action in actions.list {
            asks |= self.act(world, proc, action, known.as_deref());
        }
        if known.is_none() && world.procs[proc].seen_tombstone.0 > 0 {
            // The account was forgotten, and this process knows nothing of it any more.
            forget(world, proc);
        }
        if let Some(live) = known.as_ref().and_then(|known| known.live())
            && live.generation == 1
        {
            number_family(world, known.as_deref());
        }
        self.check_serving(world, proc);
        if asks {
            self.call_for_token(world, proc);
        }
        self.fire_stale(world, proc, refreshes, at);
        actions.reply
    }

    /// Fires the timers of a finished stage, which has no other effect.
    fn fire_stale(&mut self, world: &mut World, proc: usize, refreshes: bool, at: Moment) {
        let memory = &mut world.procs[proc];
        let sends = memory.sends[0] > 0;
        let logs_in = memory.waits.changes != [false; CHANGES];
        if memory.timers.poll && (sends || !refreshes) && !logs_in {
            memory.timers.poll = false;
            self.drive(world, proc, Input::Elapsed(Timer::Poll), at);
        }
        let memory = &mut world.procs[proc];
        if memory.timers.renew && memory.sends == [0; SENDS] {
            memory.timers.renew = false;
            self.drive(world, proc, Input::Elapsed(Timer::Renew), at);
        }
    }

    pub(crate) fn context(&self, names: Mask, at: Moment, wall: u8, closing: bool) -> Context<'_> {
        Context {
            now: tokenkeeper_refresh::EngineInstant(at.now),
            monotonic: at.monotonic,
            wall: u64::from(wall),
            ids: names.free_ids().map(id),
            version: version(names.free_version()),
            roll: 0,
            closing,
            watched_since: None,
            rules: &self.rules,
        }
    }

    /// Performs an action, and returns whether a caller asks for a token again.
    fn act(
        &mut self,
        world: &mut World,
        proc: usize,
        action: Action<Token>,
        known: Option<&Record<Token>>,
    ) -> bool {
        match action {
            Action::Publish(publication) => {
                let live = publication.as_ref().and_then(|p| p.record.live());
                world.procs[proc].published = live.map_or(0, |live| live.payload.code());
            }
            Action::Write(write) => self.write(world, proc, write),
            Action::Read => {
                let memory = &mut world.procs[proc];
                assert_eq!(memory.read, 0, "one read at a time");
                memory.read = self.pending.intern(Pending::Read);
                memory.outdated = false;
            }
            Action::Send { candidate, payload } => {
                self.send(world, proc, candidate, payload, known);
            }
            Action::Revoke(token) => {
                self.check_revocation(world, known, token);
                let memory = &mut world.procs[proc];
                assert_eq!(memory.revoke, 0, "one revocation at a time");
                memory.revoke = token.code();
            }
            Action::WaitUntil(timer, after) => {
                if timer == Timer::Poll {
                    self.check_watch(world, proc, known);
                }
                let timers = &mut world.procs[proc].timers;
                match timer {
                    Timer::Write => timers.write = true,
                    Timer::Renew => timers.renew = true,
                    Timer::Poll => timers.poll = true,
                    Timer::Revoke => timers.revoke = !after.is_zero(),
                    Timer::Device(change) => timers.device[change.0 as usize % CHANGES] = true,
                }
            }
            Action::Resolve(queue, result) => {
                if matches!(result, Err(Failure::Reauthorize(_)))
                    && known
                        .and_then(Record::live)
                        .is_some_and(|live| live.reauthorize().is_none())
                {
                    self.report(Violation::RefusedThoughAlive, None);
                }
                return resolve(world, proc, queue, result.is_ok());
            }
            Action::Emit(_) | Action::Audit(_) => {}
        }
        false
    }

    fn write(&mut self, world: &mut World, proc: usize, write: Write<Token>) {
        let memory = &mut world.procs[proc];
        assert_eq!(memory.write, 0, "one write at a time");
        memory.outdated |= memory.read > 0;
        let live = write.record.as_ref().and_then(|record| record.live());
        if let Some(attempt) = live.and_then(|live| live.attempt.as_deref())
            && number(attempt.holder) == memory.holder
            && number(attempt.id) != memory.claim
        {
            (memory.claim, memory.count) = (number(attempt.id), 0);
            (memory.sent, memory.lapsed) = (false, false);
        }
        number_family(world, write.record.as_deref());
        world.procs[proc].write = self.pending.intern(Pending::Write(write));
    }

    fn send(
        &mut self,
        world: &mut World,
        proc: usize,
        candidate: Candidate,
        payload: Option<Token>,
        known: Option<&Record<Token>>,
    ) {
        let login = match candidate {
            Candidate::Refresh => None,
            Candidate::Login(id) => self.account(world, proc).exchanged_login(id),
        };
        if let Some(login) = &login {
            self.check_number(world, login);
        }
        let presented = Presented {
            candidate,
            token: payload,
            number: login.map_or(0, |login| login.authorization.number),
            authorization: login.map_or(id(0), |login| login.authorization.id),
            count: world.procs[proc].count,
        };
        if let Some(live) = known.and_then(Record::live).filter(|_| payload.is_some()) {
            self.check_wanted(world, proc, live);
        }
        let slot = slot(candidate);
        let memory = &mut world.procs[proc];
        assert_eq!(memory.sends[slot], 0, "one request at a time");
        memory.sent |= slot == 0;
        world.procs[proc].sends[slot] = self.pending.intern(Pending::Send(presented));
    }
}

/// Forgets what a process knew of the account.
pub(crate) fn forget(world: &mut World, proc: usize) {
    world.procs[proc].seen_tombstone = (0, 0);
    for family in &mut world.families {
        family.forget(proc);
    }
    world.code.decided &= !(1 << proc);
}

/// Notes a tombstone that the store shows.
fn note_shown(memory: &mut Process, input: &Input<Token>) {
    match input {
        Input::Read(StoreAnswer::Found(Some((_, record)))) if !memory.outdated => {
            note_record(memory, record);
        }
        Input::Wrote(Outcome::Conflict(Some((_, record)))) => note_record(memory, record),
        _ => {}
    }
}

pub(crate) fn note_record(memory: &mut Process, record: &Record<Token>) {
    if let State::Ended(tombstone) = &record.state {
        let ended = tombstone.authorization;
        let ended = (ended.number as u8, number(ended.id));
        memory.seen_tombstone = memory.seen_tombstone.max(ended);
    }
}

/// Queues a caller that is told to wait.
fn wait(memory: &mut Process, reply: Option<&Reply>, wants: bool) {
    let Some(Reply::Wait { queue, .. }) = reply else {
        return;
    };
    match queue {
        Queue::Comparison if wants => memory.waits.token = true,
        Queue::Comparison => memory.waits.comparison = true,
        Queue::Refresh => memory.waits.refresh = true,
        Queue::Change(_) => {}
    }
}

/// Gives adopted tokens the authorization under which they are written.
fn number_family(world: &mut World, record: Option<&Record<Token>>) {
    if let Some(live) = record.and_then(Record::live)
        && live.generation == 1
    {
        let family = &mut world.families[live.payload.family()];
        family.number = live.authorization.number as u8;
        family.authorization = number(live.authorization.id);
    }
}

/// Wakes waiters, and returns whether a caller asks for a token again.
fn resolve(world: &mut World, proc: usize, queue: Queue, ok: bool) -> bool {
    let memory = &mut world.procs[proc];
    match queue {
        Queue::Comparison => {
            memory.waits.comparison = false;
            std::mem::take(&mut memory.waits.token) && ok
        }
        Queue::Refresh => {
            memory.waits.refresh = false;
            false
        }
        Queue::Change(change) => {
            let change = change.0 as usize % CHANGES;
            memory.waits.changes[change] = false;
            memory.timers.device[change] = false;
            if memory.timers.device == [false; CHANGES] && !memory.exchanges() {
                memory.late = false;
            }
            if let Some(token) = Token::of_code(std::mem::take(&mut memory.adopts[change]))
                && !ok
            {
                // The application still has them.
                world.families[token.family()].holders = 0;
            }
            false
        }
    }
}

/// Returns the slot of a request among those of a process.
pub(crate) fn slot(candidate: Candidate) -> usize {
    match candidate {
        Candidate::Refresh => 0,
        Candidate::Login(change) => 1 + change.0 as usize % CHANGES,
    }
}
