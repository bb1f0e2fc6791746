//! The users: they log in again when an account needs it.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::mpsc::UnboundedReceiver, time::timeout};

use super::{RunOptions, testbed::Testbed};
use crate::{
    message::{Line, Order, WorkerEvent},
    random::Random,
};

/// Connects accounts that need a login, until the last worker ends.
pub(super) async fn keep_connected(
    testbed: Arc<Testbed>,
    mut lines: UnboundedReceiver<Line>,
    options: RunOptions,
) {
    let mut random = Random::new(!options.seed);
    let mut due: BTreeMap<usize, Instant> = BTreeMap::new();
    loop {
        let line = timeout(Duration::from_millis(50), lines.recv()).await;
        let now = Instant::now();
        match line.map(|line| line.map(|line| line.event)) {
            Ok(None) => return,
            // A stopped worker may still have an answer that makes the login unnecessary.
            Ok(Some(WorkerEvent::LoginRequired { account, .. })) => {
                let pause = random.millis(1000, 6000);
                due.entry(account).or_insert(now + pause);
            }
            Ok(Some(WorkerEvent::LoginFinished { account, error, .. })) => {
                due.remove(&account);
                if error.is_some() {
                    due.insert(account, now + random.millis(200, 1000));
                }
            }
            Ok(Some(_)) | Err(_) => {}
        }
        for (account, at) in due.iter_mut().filter(|(_, at)| **at <= now) {
            let slots = testbed.worker_slots();
            let first = usize::try_from(random.below(slots.len() as u64)).unwrap_or(0);
            let mut turns = slots.iter().cycle().skip(first).take(slots.len());
            if let Some(slot) = turns.find(|slot| slot.is_running()) {
                slot.order(Order::Connect { account: *account });
            }
            // The worker may be killed before it finishes the login.
            *at = now + Duration::from_secs(5);
        }
    }
}
