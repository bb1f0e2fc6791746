//! A configuration that cannot be used, and accounts that it does not have.

use tokenkeeper_emulator::Emulator;

use crate::{deployment::Deployment, text, tokenkeeper};

#[test]
fn an_unreadable_configuration_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.toml");
    // A folder cannot be read by any user.
    for path in [folder.path(), &missing] {
        let output = tokenkeeper(&["status", "plain", "--config"])
            .arg(path)
            .output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(2));
        let error = text(&output.stderr);
        let expected = format!("the configuration {} cannot be read", path.display());
        assert!(error.contains(&expected), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let deployment = Deployment::start(Emulator::plain()).await;
    let file = deployment.path("config.toml");
    for mode in [0o644, 0o640, 0o604] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let output = deployment.run(&["status", "plain"]);
        assert_eq!(output.status.code(), Some(2), "{mode:o}");
        let error = text(&output.stderr);
        assert!(
            error.contains("config.toml") && error.contains("chmod 600"),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_needs_a_login() {
    let deployment = Deployment::start(Emulator::plain()).await;
    deployment.log_in();
    for arguments in [["status", "plain/other"], ["refresh", "plain/other"]] {
        assert_eq!(
            deployment.run(&arguments).status.code(),
            Some(3),
            "{arguments:?}"
        );
    }
    let output = deployment.run(&["logout", "other"]);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(
        error.contains("`other` is not configured, but plain is"),
        "{error}"
    );
}
