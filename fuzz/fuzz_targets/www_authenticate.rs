//! Challenges of a 401, in several header lines.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenkeeper_protocol::{
    http::{HeaderMap, HeaderValue, header::WWW_AUTHENTICATE},
    parse_www_authenticate,
};

fuzz_target!(|text: &[u8]| {
    let mut headers = HeaderMap::new();
    for line in text.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(WWW_AUTHENTICATE, value);
        }
    }
    for challenge in parse_www_authenticate(&headers) {
        assert!(!challenge.scheme.is_empty());
        for (name, value) in &challenge.params {
            assert!(!name.is_empty() && !name.bytes().any(|byte| byte.is_ascii_uppercase()));
            let first = challenge
                .params
                .iter()
                .find(|(other, _)| other == name)
                .expect("itself");
            assert_eq!(challenge.parameter(name), Some(first.1.as_str()));
            assert!(
                value.len() <= 3 * text.len(),
                "longer than lossy UTF-8 makes it"
            );
        }
    }
});
