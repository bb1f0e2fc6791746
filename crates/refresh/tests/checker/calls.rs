//! Calls of callers and of the engine.

use std::time::Duration;

use tokenkeeper_refresh::{ChangeId, Flow, Input, Polling, Reply, TokenVersion};

use super::{
    Model,
    bounds::Budget,
    moment::Moment,
    process::{CHANGES, procs},
    properties::Violation,
    provider::new_family,
    step::{Enabled, reaches_store},
    token::Token,
    world::{Call, Code, World},
};

impl Model {
    pub(crate) fn calls(&self) -> impl Iterator<Item = (usize, Call)> + use<> {
        const CALLS: [Call; 16] = [
            Call::Refresh,
            Call::Due,
            Call::Want,
            Call::WantUnreplayable,
            Call::Reject,
            Call::Compare,
            Call::Login,
            Call::Callback,
            Call::Device,
            Call::Abandon,
            Call::Adopt,
            Call::Disconnect,
            Call::Forget,
            Call::Notify { in_use: true },
            Call::Notify { in_use: false },
            Call::Close,
        ];
        procs(self).flat_map(|proc| CALLS.map(|call| (proc, call)))
    }

    /// Makes a call. `None`: it is not enabled.
    pub(crate) fn call(&mut self, world: &mut World, proc: usize, call: Call) -> Enabled {
        let left = left(&mut world.budget, call);
        *left = left.checked_sub(1)?;
        let refreshes = self.account(world, proc).is_refreshing();
        match call {
            Call::Refresh if !refreshes => {
                time_passes(world);
                self.note_wanted(world, proc);
                self.drive(world, proc, Input::Refresh, Moment::AFTER_PAUSES);
            }
            Call::Due if !refreshes => {
                self.note_wanted(world, proc);
                self.drive(world, proc, Input::Due { listed: true }, Moment::NOW);
            }
            Call::Want if !refreshes => {
                time_passes(world);
                self.call_for_token(world, proc);
            }
            Call::Reject if !refreshes => {
                let token = Token::of_code(world.procs[proc].published)?;
                let version = self.published_version(world, proc, token)?;
                time_passes(world);
                self.note_wanted(world, proc);
                self.drive(world, proc, Input::Rejected(version), Moment::AFTER_PAUSES);
            }
            Call::Refresh | Call::Due | Call::Want | Call::Reject => return None,
            Call::WantUnreplayable => {
                let valid = world.procs[proc].published > 0 && reaches_store(world, proc);
                let input = Input::Wanted { replayable: false };
                let reply = self.drive(world, proc, input, Moment::NOW);
                if valid && matches!(reply, Some(Reply::Fail(_))) {
                    self.report(Violation::TokenWithheld, None);
                }
            }
            Call::Compare => {
                self.drive(world, proc, Input::Compare, Moment::NOW);
            }
            Call::Login
            | Call::Callback
            | Call::Device
            | Call::Adopt
            | Call::Disconnect
            | Call::Forget => self.change(world, proc, call)?,
            Call::Abandon => {
                let memory = &world.procs[proc];
                let newest = memory
                    .changes
                    .checked_sub(1)
                    .filter(|_| world.code.device)?;
                if !memory.waits.changes[newest as usize % CHANGES] {
                    return None;
                }
                let input = Input::Abandon(ChangeId(newest.into()));
                self.drive(world, proc, input, Moment::NOW);
            }
            Call::Notify { in_use } => {
                let version = None;
                self.drive(world, proc, Input::Changed { version, in_use }, Moment::NOW);
            }
            Call::Close => {
                if std::mem::replace(&mut world.procs[proc].closing, true) {
                    return None;
                }
                self.drive(world, proc, Input::Closing, Moment::NOW);
            }
        }
        Some(())
    }

    fn change(&mut self, world: &mut World, proc: usize, call: Call) -> Enabled {
        if call == Call::Callback && world.code.flow == 0 {
            return None;
        }
        let [fresh, _] = self.mask(world).free_ids();
        let memory = &mut world.procs[proc];
        let id = ChangeId(memory.changes.into());
        let change = memory.changes as usize % CHANGES;
        if memory.waits.changes[change] {
            return None;
        }
        memory.waits.changes[change] = true;
        memory.changes += 1;
        let input = match call {
            Call::Login | Call::Device => {
                let device = call == Call::Device;
                if world.code.flow == 0 {
                    world.code = Code {
                        flow: fresh,
                        device,
                        ..Code::default()
                    };
                }
                login(id, fresh, device)
            }
            Call::Callback => login(id, world.code.flow, world.code.device),
            Call::Adopt => {
                let tokens = new_family(world, 0, 0);
                world.families[tokens.family()].holders |= 1 << proc;
                world.procs[proc].adopts[change] = tokens.code();
                Input::Adopt(id, tokens)
            }
            Call::Forget => Input::Forget(id),
            _ => Input::Disconnect(id),
        };
        self.drive(world, proc, input, Moment::NOW);
        Some(())
    }

    /// A caller asks for a token after the served one has expired.
    pub(crate) fn call_for_token(&mut self, world: &mut World, proc: usize) {
        if !self.account(world, proc).is_refreshing() {
            self.note_wanted(world, proc);
        }
        let input = Input::Wanted { replayable: true };
        self.drive(world, proc, input, Moment::EXPIRED);
    }

    /// Notes the token set that the refresh job should replace.
    fn note_wanted(&self, world: &mut World, proc: usize) {
        let account = self.account(world, proc);
        let live = account.record().and_then(|known| known.live());
        world.procs[proc].wanted = live.map_or((0, 0), |live| {
            (live.authorization.number as u8, live.generation as u8)
        });
    }

    fn published_version(&self, world: &World, proc: usize, token: Token) -> Option<TokenVersion> {
        let account = self.account(world, proc);
        let live = account.record()?.live()?;
        (live.payload == token).then(|| live.token_version())
    }
}

/// Returns the input that starts a login with the code of this flow.
fn login(id: ChangeId, flow: u8, device: bool) -> Input<Token> {
    let flow = Flow {
        id: super::names::id(flow),
        ends: u64::MAX,
    };
    let polling = Polling {
        first: Duration::ZERO,
        interval: Duration::ZERO,
    };
    match device {
        true => Input::DeviceLogin(id, flow, polling),
        false => Input::Login(id, flow),
    }
}

/// Ends all pauses.
fn time_passes(world: &mut World) {
    for orphan in &mut world.orphans {
        if orphan.timed_out {
            *orphan = Default::default();
        }
    }
    world.orphans.sort_unstable();
}

fn left(budget: &mut Budget, call: Call) -> &mut u8 {
    match call {
        Call::Refresh => &mut budget.refreshes,
        Call::Due => &mut budget.listings,
        Call::Want => &mut budget.wants,
        Call::WantUnreplayable => &mut budget.unreplayable,
        Call::Reject => &mut budget.rejections,
        Call::Compare => &mut budget.comparisons,
        Call::Login => &mut budget.logins,
        Call::Callback => &mut budget.callbacks,
        Call::Device => &mut budget.devices,
        Call::Abandon => &mut budget.abandons,
        Call::Adopt => &mut budget.adoptions,
        Call::Disconnect => &mut budget.disconnects,
        Call::Forget => &mut budget.forgets,
        Call::Notify { .. } => &mut budget.notifications,
        Call::Close => &mut budget.closings,
    }
}
