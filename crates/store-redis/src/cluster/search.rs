//! The search for the slots: which nodes are asked, and which answer counts.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::slots::Slots;
use super::{Node, unusable};
use crate::fault::Fault;

/// How many nodes are asked at the same time, so that one that hangs delays nothing, and how many
/// answers are compared at most.
const ASKED_AT_ONCE: usize = 3;

/// Asks the nodes which of them has which slots.
///
/// Doubtful nodes are asked only if no other one answers. An answer that names one as a master may
/// be old, since nodes learn of a new master one after the other: it counts only if the next
/// answers do so too.
pub(super) async fn search(nodes: Vec<Arc<Node>>) -> Result<Slots, Fault> {
    let (doubtful, sound): (Vec<_>, Vec<_>) =
        nodes.into_iter().partition(|node| node.is_doubtful());
    let mut failure: Option<Fault> = None;
    for (nodes, compared) in [(&sound, ASKED_AT_ONCE), (&doubtful, 1)] {
        let asked = nodes.iter().cloned().map(Slots::ask);
        let mut answers = stream::iter(asked).buffer_unordered(ASKED_AT_ONCE);
        let (mut last, mut count) = (None, 0);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(slots) => {
                    count += 1;
                    if count == compared || !slots.name_any(&doubtful) {
                        return Ok(slots);
                    }
                    last = Some(slots);
                }
                // A refusal says more than a failure to connect.
                Err(fault) if failure.is_none() || fault.code().is_some() => failure = Some(fault),
                Err(_) => {}
            }
        }
        if let Some(slots) = last {
            return Ok(slots);
        }
    }
    Err(failure.unwrap_or_else(|| unusable("the cluster has no nodes")))
}
