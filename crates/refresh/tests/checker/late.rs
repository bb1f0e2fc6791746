//! Writes and requests that arrive after their process gave up on them.

use super::{Model, pending::Pending, properties::Residual, step::Enabled, world::World};

impl Model {
    /// Applies a late write.
    pub(crate) fn land_late_write(&mut self, world: &mut World) -> Enabled {
        let late_write = self
            .pending
            .value(world.late_write)
            .filter(|_| !world.down)?;
        world.late_write = 0;
        if let Pending::Write(write) = &*late_write {
            self.put(world, write);
        }
        Some(())
    }

    /// Lets the provider handle a late request, whose answer no process reads.
    pub(crate) fn handle_late_request(&mut self, world: &mut World) -> Enabled {
        let late = self.pending.value(world.late_request)?;
        world.late_request = 0;
        if let Pending::OnWire(presented) = &*late {
            match presented.token {
                Some(token) => {
                    let family = &mut world.families[token.family()];
                    family.note_excuse(Residual::LateRequest, token.index());
                }
                None => world.code.excuse = Some(Residual::LateRequest),
            }
            self.redeem(world, *presented);
        }
        Some(())
    }
}
