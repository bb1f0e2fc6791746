//! Output on terminals, and where it cannot be written.

use crate::{run, text, tokenkeeper};

#[test]
fn no_color_is_obeyed_even_where_colours_are_forced() {
    let shown = |variables: &[(&str, &str)]| {
        let mut command = tokenkeeper(&["providers", "xero"]);
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        command.envs(variables.iter().copied());
        text(&command.output().unwrap().stdout).to_owned()
    };
    assert!(shown(&[("CLICOLOR_FORCE", "1")]).contains("\x1b["));
    let plain = shown(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]);
    assert!(plain.contains("xero") && !plain.contains('\x1b'), "{plain}");
}

#[cfg(target_os = "linux")]
#[test]
fn output_to_a_full_disk_is_an_error() {
    let listings: [&[&str]; 4] = [
        &["providers"],
        &["providers", "xero", "--json"],
        &["providers", "show", "xero"],
        &["completions", "bash"],
    ];
    for arguments in listings {
        assert!(run(arguments).status.success(), "{arguments:?}");
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let output = tokenkeeper(arguments)
            .stdout(full.unwrap())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let error = text(&output.stderr);
        assert!(
            error.starts_with("error: No space left"),
            "{arguments:?}: {error}"
        );
    }
}
