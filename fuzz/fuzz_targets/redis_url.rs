//! The URL of a Redis server is read or refused, and its password is never shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenkeeper_store_redis::RedisOptions;

const PASSWORD: &str = "hunter2hunter2";

fuzz_target!(|url: &str| {
    // `Debug` reads the URL, and connects to nothing.
    let shown = format!("{:?}", RedisOptions::new(url));
    assert!(shown.starts_with("RedisOptions {"));
    if url.contains(PASSWORD) {
        return;
    }
    let (scheme, rest) = url.split_once("://").unwrap_or(("redis", url));
    for url in [
        format!("{scheme}://user:{PASSWORD}@{rest}"),
        format!("{scheme}://:{PASSWORD}@{rest}"),
        format!("redis://user:{PASSWORD}{rest}"),
        format!("redis+cluster://user:{PASSWORD}@{rest}"),
        format!("redis+sentinel://user:{PASSWORD}@{rest}"),
    ] {
        let shown = format!("{:?}", RedisOptions::new(url));
        assert!(!shown.contains(PASSWORD), "{shown}");
    }
});
