//! The people whose accounts these are: whoever is told that a new login is needed makes one.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::mpsc::UnboundedReceiver, time::timeout};

use super::{Setting, stage::Stage};
use crate::{
    random::Random,
    said::{Line, Order, Said},
};

/// Connects accounts that need it, for as long as anybody says anything.
pub(super) async fn keep_connected(
    stage: Arc<Stage>,
    mut heard: UnboundedReceiver<Line>,
    setting: Setting,
) {
    let mut random = Random::new(!setting.seed);
    let mut due: BTreeMap<usize, Instant> = BTreeMap::new();
    loop {
        let line = timeout(Duration::from_millis(50), heard.recv()).await;
        let now = Instant::now();
        match line.map(|line| line.map(|line| line.said)) {
            Ok(None) => return,
            // Somebody who is stopped may yet have an answer that saves it.
            Ok(Some(Said::Refused { account, .. })) => {
                let pause = random.millis(1000, 6000);
                due.entry(account).or_insert(now + pause);
            }
            Ok(Some(Said::LoginOver { account, error, .. })) => {
                due.remove(&account);
                if error.is_some() {
                    due.insert(account, now + random.millis(200, 1000));
                }
            }
            Ok(Some(_)) | Err(_) => {}
        }
        for (account, at) in due.iter_mut().filter(|(_, at)| **at <= now) {
            let slots = stage.working();
            let first = usize::try_from(random.below(slots.len() as u64)).unwrap_or(0);
            let mut turns = slots.iter().cycle().skip(first).take(slots.len());
            if let Some(slot) = turns.find(|slot| slot.works()) {
                slot.order(Order::Connect { account: *account });
            }
            // Whoever was told may be killed over it.
            *at = now + Duration::from_secs(5);
        }
    }
}
