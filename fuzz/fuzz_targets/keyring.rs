//! The text of a keyring is refused without showing a key, or gives keys that write the same text.
#![no_main]

use std::{collections::HashSet, error::Error};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use libfuzzer_sys::fuzz_target;
use tokenkeeper_store::Keyring;

fuzz_target!(|text: &str| {
    match text.parse::<Keyring>() {
        Ok(keyring) => {
            let ids: Vec<&str> = keyring.ids().collect();
            assert!(!ids.is_empty() && ids.iter().all(|id| (1..=255).contains(&id.len())));
            assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
            let text: String = ids
                .iter()
                .zip(keyring.keys())
                .map(|(id, key)| format!("{id}:{}\n", STANDARD.encode(key.expose())))
                .collect();
            let again: Keyring = text.parse().expect("it was written from a keyring");
            assert!(again.ids().eq(keyring.ids()));
            for (one, other) in again.keys().zip(keyring.keys()) {
                assert_eq!(one.expose(), other.expose());
            }
        }
        Err(error) => {
            let mut shown = format!("{error:?}");
            let mut cause: Option<&dyn Error> = Some(&error);
            while let Some(error) = cause {
                shown.push_str(&error.to_string());
                cause = error.source();
            }
            let items = || text.split([',', ' ', '\t', '\r', '\n']);
            let keys = items()
                .filter_map(|item| item.split_once(':'))
                .map(|(_, key)| key);
            let named = |part: &str| {
                items().any(|item| {
                    item.split_once(':')
                        .is_some_and(|(id, _)| id.contains(part))
                })
            };
            for key in keys.filter(|key| key.len() >= 40 && key.is_ascii()) {
                assert!(named(key) || !shown.contains(key), "{shown}");
            }
        }
    }
});
