//! The budget of faults, and the presentations that faults orphan.

use super::{
    step::{Enabled, reaches_store},
    world::{Orphan, World},
};

/// Spends the failure of a store call: during an outage or a partition, or as a separate fault.
pub(crate) fn store_fails(world: &mut World, proc: usize) -> Enabled {
    let reaches = reaches_store(world, proc);
    let budget = &mut world.budget;
    if reaches {
        spend(&mut budget.lost_store_requests, &mut budget.faults)
    } else {
        budget.failures = budget.failures.checked_sub(1)?;
        Some(())
    }
}

pub(crate) fn add_orphan(world: &mut World, orphan: Orphan) -> Enabled {
    let free = world.orphans.iter_mut().find(|o| o.attempt == 0)?;
    *free = orphan;
    world.orphans.sort_unstable();
    Some(())
}

pub(crate) fn spend(kind: &mut u8, faults: &mut u8) -> Enabled {
    (*kind, *faults) = (kind.checked_sub(1)?, faults.checked_sub(1)?);
    Some(())
}
