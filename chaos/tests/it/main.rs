//! Half a minute of chaos on both stores, side by side: only what must always hold is asserted.

use std::process::Command;

#[test]
fn no_token_is_lost_or_presented_twice() {
    // It judges itself: its exit status is 1 where a promise was broken.
    let output = Command::new(env!("CARGO_BIN_EXE_tokenkeeper-chaos"))
        .args(["--seconds", "30"])
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let status = output.status;
    assert!(status.success(), "{status}\n{text}\n{errors}");
    assert!(text.contains("**Violations: 0**"), "{text}");
    for store in ["## On redis", "## On sqlite"] {
        assert!(text.contains(store), "{text}");
    }
}
