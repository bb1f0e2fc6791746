//! What arrives after its process has given it up.

use super::{Model, pending::Pending, properties::Residual, step::Taken, world::World};

impl Model {
    /// A write that was given up lands.
    pub(crate) fn stray_lands(&mut self, world: &mut World) -> Taken {
        let stray = self.pending.value(world.stray).filter(|_| !world.down)?;
        world.stray = 0;
        if let Pending::Write(write) = &*stray {
            self.put(world, write);
        }
        Some(())
    }

    /// The provider handles a request that was given up; no process reads the answer.
    pub(crate) fn late_handled(&mut self, world: &mut World) -> Taken {
        let late = self.pending.value(world.late)?;
        world.late = 0;
        if let Pending::OnWire(presented) = &*late {
            if let Some(token) = presented.token {
                let family = &mut world.families[token.family()];
                family.mark(Residual::HandledLate, token.index());
            }
            self.redeem(world, *presented);
        }
        Some(())
    }
}
