//! What a fault costs, and what it leaves behind.

use super::{
    step::{Taken, reaches_store},
    world::{Orphan, World},
};

/// A call to the store fails: by an outage, or as a separate fault.
pub(crate) fn store_fails(world: &mut World, proc: usize) -> Taken {
    let reaches = reaches_store(world, proc);
    let budget = &mut world.budget;
    if reaches {
        spend(&mut budget.store_requests, &mut budget.faults)
    } else {
        budget.failures = budget.failures.checked_sub(1)?;
        Some(())
    }
}

pub(crate) fn add_orphan(world: &mut World, orphan: Orphan) -> Taken {
    let free = world.orphans.iter_mut().find(|o| o.attempt == 0)?;
    *free = orphan;
    world.orphans.sort_unstable();
    Some(())
}

pub(crate) fn spend(kind: &mut u8, faults: &mut u8) -> Taken {
    (*kind, *faults) = (kind.checked_sub(1)?, faults.checked_sub(1)?);
    Some(())
}
