//! Half a minute of chaos on each store, side by side: only what must always hold is asserted.

use std::process::Command;

/// Runs the program, which judges itself: its exit status is 1 where a promise was broken.
fn chaos(store: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_tokenkeeper-chaos"))
        .args(["--seconds", "30", "--store", store])
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}\n{text}\n{errors}",
        output.status
    );
    assert!(text.contains("**Violations: 0**"), "{text}");
}

#[test]
fn no_token_is_lost_or_presented_twice_on_redis() {
    chaos("redis");
}

#[test]
fn no_token_is_lost_or_presented_twice_on_sqlite() {
    chaos("sqlite");
}
