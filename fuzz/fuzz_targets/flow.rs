//! A flow is opened or refused: a text of anyone, and contents that the right key sealed.
#![no_main]

use std::{sync::Once, time::SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use libfuzzer_sys::fuzz_target;
use tokenkeeper_engine::{Error, Flow, FlowError, FlowInfo};
use tokenkeeper_fuzz::{BASE, BRAND, CALLBACK, CLIENT_ID, FLOW_KEY, accounts};

fuzz_target!(|input: (&str, u16, u16, &[u8])| {
    let (text, at, cut, bytes) = input;
    static CHECKED: Once = Once::new();
    CHECKED.call_once(|| {
        let info = open(seal(&contents())).expect("the format of this target is the engine's");
        assert_eq!(info.account.subject(), "user-42");
    });
    let refused = open(text.to_owned());
    assert!(matches!(refused, Err(Error::Flow(FlowError::NotOurs))));

    // Any contents, and well-formed ones of which a part is replaced.
    if let Ok(info) = open(seal(bytes)) {
        check(&info, bytes);
    }
    let mut contents = contents();
    let start = usize::from(at).min(contents.len());
    let end = (start + usize::from(cut)).min(contents.len());
    contents.splice(start..end, bytes.iter().copied());
    if let Ok(info) = open(seal(&contents)) {
        check(&info, &contents);
    }
});

/// Checks what an opened flow says against its contents.
fn check(info: &FlowInfo, contents: &[u8]) {
    let holds = |text: &str| {
        contents
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert_eq!(info.account.provider(), BRAND);
    assert_eq!(info.account.site().as_str(), BASE);
    assert!(!info.account.subject().is_empty() && holds(info.account.subject()));
    assert!(info.expires_at > SystemTime::now());
    let shown = format!("{info:?}");
    assert!(!shown.contains('?'), "{shown}");
}

fn open(text: String) -> Result<FlowInfo, Error> {
    accounts().flow(&Flow::from(text))
}

/// Seals contents as the engine does.
fn seal(contents: &[u8]) -> String {
    let nonce = [1; 24];
    let payload = Payload {
        msg: contents,
        aad: b"tokenkeeper flow 2",
    };
    let sealed = XChaCha20Poly1305::new(&FLOW_KEY.into()).encrypt(&XNonce::from(nonce), payload);
    URL_SAFE_NO_PAD.encode([&nonce[..], &sealed.expect("it is short")].concat())
}

/// Returns the bytes of a flow that lives for long.
fn contents() -> Vec<u8> {
    let mut bytes = vec![7; 16];
    bytes.extend((u64::MAX / 2000).to_be_bytes());
    let texts = [BRAND, BASE, CLIENT_ID, "user-42", "st-1", CALLBACK, "v"];
    for text in texts {
        bytes.extend((text.len() as u32).to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    // No scope.
    bytes.extend(u32::MAX.to_be_bytes());
    bytes
}
