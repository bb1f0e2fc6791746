//! Properties of what requests are served.

use tokenkeeper_refresh::{Account, Action, Input, Reply};

use super::{
    super::{Model, moment::Moment, step::reaches_store, token::Token, world::World},
    Violation,
};

impl Model {
    /// Checks that the published token may be served, and is served.
    pub(crate) fn check_serving(&mut self, world: &World, proc: usize) {
        let memory = world.procs[proc];
        let Some(token) = Token::of_code(memory.published) else {
            return;
        };
        let (family, ended) = (&world.families[token.family()], memory.seen_tombstone);
        if ended.0 > 0
            && (family.number < ended.0 || (family.number, family.authorization) == ended)
        {
            self.report(Violation::ServedAfterDisconnect, None);
        }
        let busy = memory.read > 0 || memory.write > 0;
        let account = memory.account;
        if reaches_store(world, proc) && !self.is_served(account, busy) {
            self.report(Violation::TokenWithheld, None);
        }
    }

    /// Returns whether a caller gets the published token at once, or waits only for a store call in
    /// flight.
    fn is_served(&mut self, number: u32, busy: bool) -> bool {
        if let Some(&served) = self.served.get(&(number, busy)) {
            return served;
        }
        let account = self.accounts.value(number).expect("it is an account");
        let names = self.accounts.mask(number);
        let cx = self.context(names, Moment::NOW, 1, false);
        let mut account = Account::clone(&account);
        let actions = account.handle(Input::Wanted { replayable: true }, &cx);
        let reads = actions.list.contains(&Action::Read);
        let served = match actions.reply {
            Some(Reply::Serve) => true,
            Some(Reply::Wait { briefly: true, .. }) => busy || reads,
            _ => false,
        };
        self.served.insert((number, busy), served);
        served
    }
}
