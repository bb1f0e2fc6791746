//! A URI that matches an origin has that origin, by another parser's reading.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenkeeper_protocol::{Origin, http::Uri};

fuzz_target!(|input: (&str, &str)| {
    let (text, uri) = input;
    let uri: Option<Uri> = uri.parse().ok();
    let of = uri.as_ref().and_then(Origin::of);
    for origin in Origin::parse(text).ok().into_iter().chain(of.clone()) {
        assert!(origin.as_str().starts_with("https://") || origin.is_loopback());
        assert_eq!(
            Origin::parse(origin.as_str()).expect("its own text"),
            origin
        );
        if let Some(uri) = &uri
            && origin.matches(uri)
        {
            assert_eq!(of.as_ref(), Some(&origin), "{uri}");
        }
    }
});
