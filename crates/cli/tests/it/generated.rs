//! `completions` and `man`, for every command.

use crate::{run, text};

/// Returns the names of all commands, as the help lists them.
fn commands(of: &[&str]) -> Vec<String> {
    let output = run(&[of, &["--help"]].concat());
    let help = text(&output.stdout).to_owned();
    let listed = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    let listed = listed.lines().take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_shell_has_completions_for_every_command() {
    let names = commands(&[]);
    assert!(names.len() > 10, "{names:?}");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&["completions", shell]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let script = text(&output.stdout);
        for name in &names {
            assert!(script.contains(name), "{shell}: {name}");
        }
    }
    assert_eq!(run(&["completions", "csh"]).status.code(), Some(2));
}

#[test]
fn every_command_has_a_man_page_with_its_example() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let output = run(&["man", pages.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let mut expected = vec!["tokenkeeper".to_owned()];
    for name in commands(&[]) {
        for nested in commands(&[&name]) {
            expected.push(format!("tokenkeeper-{name}-{nested}"));
        }
        expected.push(format!("tokenkeeper-{name}"));
    }
    for page in &expected {
        let text = std::fs::read_to_string(pages.join(format!("{page}.1"))).expect(page);
        assert!(text.contains(".SH NAME"), "{page}");
        if page != "tokenkeeper" {
            assert!(text.contains("Example"), "{page} teaches by no example");
        }
    }

    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = run(&["man", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no man pages can be written"));
}
