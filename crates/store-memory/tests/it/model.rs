//! After any sequence of calls, the store answers as a plain map would, and so do its listings.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tokenkeeper_store::conformance::ManualClock;
use tokenkeeper_store::{Entry, Filter, Key, Outcome, StoreError, TokenStore, Version};
use tokenkeeper_store_memory::MemoryStore;

use crate::key;

const MAX_KEYS: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    /// A put at the current version, or at a stale one; times are seconds from now.
    Put {
        key: u8,
        stale: bool,
        keep: Option<u8>,
        due: Option<u8>,
        attention: bool,
    },
    Delete {
        key: u8,
        stale: bool,
    },
    Claim {
        keys: Vec<u8>,
        seconds: u8,
    },
    Wait {
        seconds: u8,
    },
}

/// The entries of a plain map, and the ends of the claims.
#[derive(Default)]
struct Model {
    entries: BTreeMap<Key, Entry>,
    claims: BTreeMap<Key, SystemTime>,
}

impl Model {
    fn is_claimed(&self, key: &Key, time: SystemTime) -> bool {
        self.claims.get(key).is_some_and(|end| *end > time)
    }
}

fn step() -> impl Strategy<Value = Step> {
    let put = (
        0..6_u8,
        prop::bool::weighted(0.2),
        option::of(0..9_u8),
        option::of(0..9_u8),
        any::<bool>(),
    );
    prop_oneof![
        6 => put.prop_map(|(key, stale, keep, due, attention)| {
            Step::Put { key, stale, keep, due, attention }
        }),
        2 => (0..6_u8, prop::bool::weighted(0.2))
            .prop_map(|(key, stale)| Step::Delete { key, stale }),
        3 => (vec(0..6_u8, 1..6), 0..5_u8)
            .prop_map(|(keys, seconds)| Step::Claim { keys, seconds }),
        2 => (1..5_u8).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

proptest! {
    #[test]
    fn it_answers_as_a_map_does(steps in vec(step(), 1..60)) {
        let clock = ManualClock::new();
        let time = clock.clone();
        let store = MemoryStore::new().max_keys(MAX_KEYS).clock(move || time.now());
        let mut model = Model::default();
        for step in steps {
            take(&store, &mut model, &clock, &step)?;
            model.entries.retain(|_, entry| entry.keep_until.is_none_or(|time| time > clock.now()));
            for number in 0..6 {
                let key = numbered(number);
                prop_assert_eq!(now(store.get(&key)).unwrap(), model.entries.get(&key).cloned());
            }
            for filter in [Filter::All, Filter::Attention, Filter::DueBefore(clock.now())] {
                prop_assert_eq!(listed(&store, filter), expected(&model, filter));
            }
        }
    }
}

fn take(
    store: &MemoryStore,
    model: &mut Model,
    clock: &ManualClock,
    step: &Step,
) -> Result<(), TestCaseError> {
    let expected = |key: &Key, stale: bool| {
        if stale {
            Some(Version::random())
        } else {
            model.entries.get(key).map(|entry| entry.version)
        }
    };
    match *step {
        Step::Claim { ref keys, seconds } => {
            let lasting = Duration::from_secs(seconds.into());
            let keys: Vec<Key> = keys.iter().copied().map(numbered).collect();
            let mut wanted = Vec::new();
            for key in &keys {
                let entry = model.entries.get(key);
                let is_due =
                    entry.is_some_and(|entry| Filter::DueBefore(clock.now()).accepts(entry));
                // A key that is given twice is claimed once, unless the claim ends at once.
                if is_due && !model.is_claimed(key, clock.now()) {
                    model.claims.insert(key.clone(), clock.now() + lasting);
                    wanted.push(key.clone());
                }
            }
            let claimed = now(store.claim(&keys, clock.now(), lasting));
            prop_assert_eq!(claimed.expect("no failure"), wanted);
        }
        Step::Wait { seconds } => clock.advance(Duration::from_secs(seconds.into())),
        Step::Put {
            key,
            stale,
            keep,
            due,
            attention,
        } => {
            let at = |seconds: Option<u8>| {
                seconds.map(|seconds| clock.now() + Duration::from_secs(seconds.into()))
            };
            let entry = Entry::new(Version::random(), vec![key])
                .with_keep_until(at(keep))
                .with_due(at(due))
                .with_attention(attention);
            let key = numbered(key);
            let outcome = now(store.put(&key, &entry, expected(&key, stale)));
            if stale {
                prop_assert_eq!(
                    outcome.expect("no failure"),
                    Outcome::Conflict(model.entries.get(&key).cloned())
                );
            } else if model.entries.len() == MAX_KEYS && !model.entries.contains_key(&key) {
                prop_assert!(matches!(outcome, Err(StoreError::Full)));
            } else {
                prop_assert_eq!(outcome.expect("no failure"), Outcome::Applied);
                model.claims.remove(&key);
                model.entries.insert(key, entry);
            }
        }
        Step::Delete { key, stale } => {
            let key = numbered(key);
            let outcome =
                now(store.delete(&key, expected(&key, stale).unwrap_or_else(Version::random)))
                    .expect("no failure");
            if stale || !model.entries.contains_key(&key) {
                prop_assert_eq!(outcome, Outcome::Conflict(model.entries.get(&key).cloned()));
            } else {
                prop_assert_eq!(outcome, Outcome::Applied);
                model.claims.remove(&key);
                model.entries.remove(&key);
            }
        }
    }
    Ok(())
}

/// The keys of all pages, sorted but for due ones.
fn listed(store: &MemoryStore, filter: Filter) -> Vec<Key> {
    let (mut keys, mut cursor) = (Vec::new(), None);
    loop {
        let page = now(store.list(filter, cursor, 2)).expect("it lists");
        keys.extend(page.keys);
        cursor = page.next;
        if cursor.is_none() {
            if !matches!(filter, Filter::DueBefore(_)) {
                keys.sort();
            }
            return keys;
        }
    }
}

fn expected(model: &Model, filter: Filter) -> Vec<Key> {
    let accepted = model
        .entries
        .iter()
        .filter(|(_, entry)| filter.accepts(entry));
    let Filter::DueBefore(time) = filter else {
        return accepted.map(|(key, _)| key.clone()).collect();
    };
    let mut due: Vec<_> = accepted
        .filter(|(key, _)| !model.is_claimed(key, time))
        .map(|(key, entry)| (entry.due, key.clone()))
        .collect();
    due.sort();
    due.into_iter().map(|(_, key)| key).collect()
}

fn numbered(number: u8) -> Key {
    key(&format!("user-{number}"))
}

/// The output of a call, which never waits.
fn now<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("a call is done at once")
}
