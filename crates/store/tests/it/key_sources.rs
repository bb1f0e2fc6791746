//! Sources of keyrings: cached, loaded again, and failing.

use std::collections::VecDeque;
use std::error::Error as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokenkeeper_store::{
    Encrypted, KeySource, Keyring, KeyringError, KeyringFile, KeyringVariable, Keys, Outcome,
    StoreError, TokenStore,
};

use crate::simple_store::SimpleStore;
use crate::{entry, key};

const ONE: &str = "SC4last5ZV4agqQ5ZjlTMQFOKg8TGiCbtIk4tEzspAw=";

/// What a source answers next.
#[derive(Debug)]
enum Answer {
    Ring(Keyring),
    Fails,
    Hangs,
}

/// A source that answers as told; the last answer is repeated.
#[derive(Clone, Debug)]
struct Script(Arc<Mutex<(VecDeque<Answer>, usize)>>);

impl Script {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self(Arc::new(Mutex::new((answers.into_iter().collect(), 0))))
    }

    fn loads(&self) -> usize {
        self.0.lock().expect("no panic").1
    }
}

#[async_trait]
impl KeySource for Script {
    async fn load(&self) -> Result<Keyring, KeyringError> {
        let hangs = {
            let mut script = self.0.lock().expect("no panic");
            script.1 += 1;
            let next = match script.0.len() {
                1 => script.0.front().expect("one"),
                _ => &script.0.pop_front().expect("an answer"),
            };
            match next {
                Answer::Ring(ring) => return Ok(ring.clone()),
                Answer::Fails => false,
                Answer::Hangs => true,
            }
        };
        if hangs {
            std::future::pending::<()>().await;
        }
        Err(KeyringError::Source("down".into()))
    }
}

fn old() -> Keyring {
    Keyring::new("old", [1; 32]).expect("a valid id")
}

fn both() -> Keyring {
    let new = Keyring::new("new", [2; 32]).expect("a valid id");
    new.with_old("old", [1; 32]).expect("a valid id")
}

async fn fill(plain: &SimpleStore, ring: Keyring, name: &str) {
    let store = Encrypted::new(plain.clone(), ring);
    let put = store.put(&key(name), &entry("tokens"), None).await;
    assert_eq!(put.expect("no failure"), Outcome::Applied);
}

fn over(plain: &SimpleStore, source: &Script) -> Encrypted<SimpleStore> {
    Encrypted::new(plain.clone(), Keys::from_source(source.clone()))
}

#[tokio::test(start_paused = true)]
async fn a_keyring_is_loaded_once() {
    let plain = SimpleStore::default();
    fill(&plain, old(), "a").await;
    let source = Script::new([Answer::Ring(old())]);
    let store = over(&plain, &source);
    assert_eq!(source.loads(), 0, "no I/O before it is needed");
    for _ in 0..5 {
        store.get(&key("a")).await.unwrap();
    }
    assert_eq!(source.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_loaded_when_an_entry_names_it() {
    let plain = SimpleStore::default();
    fill(&plain, old(), "a").await;
    fill(&plain, both(), "b").await;
    let source = Script::new([Answer::Ring(old()), Answer::Ring(both())]);
    let store = over(&plain, &source);
    store.get(&key("a")).await.unwrap();
    let error = store.get(&key("b")).await.unwrap_err();
    let StoreError::Undecryptable { key_id, known_ids } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (key_id.as_str(), &known_ids[..]),
        ("new", &["old".to_owned()][..])
    );
    let shown = error.to_string();
    assert!(
        shown.contains("\"new\"") && shown.contains("\"old\""),
        "{shown}"
    );
    tokio::time::advance(Duration::from_secs(10)).await;
    assert!(store.get(&key("b")).await.unwrap().is_some());
    assert_eq!(source.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_removed_key_is_dropped_within_minutes() {
    let plain = SimpleStore::default();
    fill(&plain, both(), "new").await;
    fill(&plain, old(), "old").await;
    let new = Keyring::new("new", [2; 32]).expect("a valid id");
    let source = Script::new([Answer::Ring(both()), Answer::Ring(new)]);
    let store = over(&plain, &source);
    store.get(&key("old")).await.unwrap();
    tokio::time::advance(Duration::from_secs(301)).await;
    store.get(&key("new")).await.unwrap();
    let error = store.get(&key("old")).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Undecryptable { .. }),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_at_start_is_tried_again() {
    for fault in [Answer::Fails, Answer::Hangs] {
        let plain = SimpleStore::default();
        fill(&plain, old(), "a").await;
        let source = Script::new([fault, Answer::Ring(old())]);
        let store = over(&plain, &source);
        let next = entry("next");
        for error in [
            store.get(&key("a")).await.unwrap_err(),
            store
                .put(&key("b"), &next, None)
                .await
                .err()
                .unwrap_or_else(|| {
                    // A source that hung is tried again at once.
                    StoreError::unavailable("works again")
                }),
        ] {
            assert!(
                error.is_transient() && !error.is_of_one_entry(),
                "{error:?}"
            );
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(store.get(&key("a")).await.unwrap().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn cached_keys_go_on_while_the_source_fails() {
    for fault in [Answer::Fails, Answer::Hangs] {
        let plain = SimpleStore::default();
        fill(&plain, old(), "a").await;
        fill(&plain, both(), "b").await;
        let source = Script::new([Answer::Ring(old()), fault]);
        let store = over(&plain, &source);
        store.get(&key("a")).await.unwrap();
        tokio::time::advance(Duration::from_secs(301)).await;
        let began = tokio::time::Instant::now();
        for _ in 0..10 {
            assert!(store.get(&key("a")).await.unwrap().is_some());
        }
        assert!(
            began.elapsed() <= Duration::from_secs(2),
            "one of them waits"
        );
        // Whether there is such a key is not known: nothing may replace the entry.
        let error = store.get(&key("b")).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_misconfigured_source_says_what_to_do() {
    let plain = SimpleStore::default();
    let source = KeyringVariable::new("TOKENKEEPER_TEST_NOT_SET");
    let store = Encrypted::new(plain, Keys::from_source(source));
    let error = store.check_health().await.unwrap_err();
    assert!(matches!(error, StoreError::Keys { .. }), "{error:?}");
    let source = error.source().expect("a source").to_string();
    assert!(
        source.contains("TOKENKEEPER_TEST_NOT_SET is not set"),
        "{source}"
    );
}

#[tokio::test]
async fn a_file_is_a_source() {
    let folder = std::env::temp_dir().join(format!("tokenkeeper-source-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("keys");
    let missing = KeyringFile::new(&path).load().await.unwrap_err();
    assert!(missing.is_transient(), "{missing:?}");
    std::fs::write(&path, format!("a:{ONE}")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let exposed = KeyringFile::new(&path).load().await.unwrap_err();
        assert!(
            matches!(exposed, KeyringError::Exposed { .. }),
            "{exposed:?}"
        );
        assert!(!exposed.is_transient());
    }
    let ring = KeyringFile::new(&path)
        .readable_by_others()
        .load()
        .await
        .unwrap();
    assert_eq!(ring.ids().collect::<Vec<_>>(), ["a"]);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn keys_of_another_store_are_noticed_by_a_check() {
    let plain = SimpleStore::default();
    fill(&plain, old(), "a").await;
    assert!(
        Encrypted::new(plain.clone(), both())
            .check_health()
            .await
            .is_ok()
    );
    let other = Keyring::new("other", [3; 32]).expect("a valid id");
    let store = Encrypted::new(plain, other);
    let error = store.check_health().await.unwrap_err();
    let shown = error.to_string();
    assert!(
        shown.contains("\"old\"") && shown.contains("\"other\""),
        "{shown}"
    );
    assert!(
        Encrypted::new(SimpleStore::default(), old())
            .check_health()
            .await
            .is_ok()
    );
}
