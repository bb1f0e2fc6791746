//! What requests are served.

use super::{
    super::{Model, token::Token, world::World},
    Breach,
};

impl Model {
    /// An account has published what it serves.
    pub(crate) fn check_serving(&mut self, world: &World, proc: usize) {
        let memory = &world.procs[proc];
        let Some(token) = Token::of_code(memory.published) else {
            return;
        };
        let (family, ended) = (&world.families[token.family()], memory.knows_ended);
        if ended.0 == 0 {
            return;
        }
        if family.number < ended.0 || (family.number, family.authorization) == ended {
            self.found(Breach::ServedAfterDisconnect, None);
        }
    }
}
