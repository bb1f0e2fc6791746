//! Half a minute of chaos on both stores at once. The program judges itself.

use std::process::Command;

#[test]
fn no_token_is_lost_or_presented_twice() {
    // The exit status is 1 if a promise was broken.
    let output = Command::new(env!("CARGO_BIN_EXE_tokenkeeper-chaos"))
        .args(["--seconds", "30"])
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let status = output.status;
    assert!(status.success(), "{status}\n{text}\n{errors}");
    for row in ["| result | redis | sqlite |", "| violations | 0 | 0 |"] {
        assert!(text.contains(row), "{row}\n{text}");
    }
}
