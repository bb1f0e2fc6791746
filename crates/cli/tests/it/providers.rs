//! `providers`.

use serde_json::Value;
use tokenkeeper::{presets, protocol::Dialect};

use crate::{run, text};

#[test]
fn providers_lists_adapters_and_presets_by_a_filter() {
    let listed = |arguments: &[&str]| -> Vec<Value> {
        let output = run(&[&["providers", "--json"], arguments].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let lines = text(&output.stdout).lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let all = listed(&[]);
    assert_eq!(all.len(), presets::names().count() + 4);
    let adapters = all.iter().filter(|row| row["kind"] == "adapter");
    let adapters: Vec<_> = adapters
        .map(|row| row["provider"].as_str().unwrap())
        .collect();
    assert_eq!(
        adapters,
        ["amiqus", "fortes-milestones", "ioffice", "qics-milestones"]
    );

    // By the name, or by the site.
    assert_eq!(listed(&["XERO"])[0]["site"], "https://identity.xero.com");
    assert_eq!(listed(&["id.amiqus.co"])[0]["provider"], "amiqus");
    let output = run(&["providers", "zendesk"]);
    let table = text(&output.stdout);
    assert!(table.trim_start().starts_with("PROVIDER"), "{table}");
    assert!(table.contains("https://{subdomain}.zendesk.com"), "{table}");

    let output = run(&["providers", "no-such-provider"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("dialect file"));
}

#[test]
fn what_is_shown_of_a_provider_is_its_dialect() {
    for name in [
        "amiqus",
        "fortes-milestones",
        "ioffice",
        "qics-milestones",
        "xero",
        "zendesk",
    ] {
        let output = run(&["providers", "show", name]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let shown = text(&output.stdout);
        assert!(
            shown.contains(&format!("#     [providers.{name}]\n")),
            "{shown}"
        );
        let dialect = Dialect::from_toml(shown).unwrap();
        assert_eq!(dialect.brand, name);

        let output = run(&["providers", "show", name, "--json"]);
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        let read = Dialect::from_json(&object["dialect"].to_string()).unwrap();
        assert_eq!(read, dialect);
    }
    let output = run(&["providers", "show", "googel"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("there is no preset `googel`"));
}

#[test]
fn a_wrong_dialect_file_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, content: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        let output = run(&["providers", "check", file.to_str().unwrap()]);
        let shown = text(&output.stdout).to_owned() + text(&output.stderr);
        (output.status.code().unwrap(), shown)
    };
    let valid = presets::text("xero").unwrap();
    let (code, shown) = check("valid.toml", valid);
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("`xero`"), "{shown}");
    let json = serde_json::to_string(&presets::get("xero").unwrap()).unwrap();
    assert_eq!(check("valid.json", &json).0, 0);

    let brand = valid
        .lines()
        .position(|line| line.starts_with("brand"))
        .unwrap()
        + 1;
    for (content, problem) in [
        (
            valid.replace("brand = \"xero\"", "brand = \"Xero!\""),
            "lower-case",
        ),
        (
            valid.replace("brand = \"xero\"", "brnad = \"xero\""),
            "brnad",
        ),
        (valid.replace("brand = \"xero\"", "brand = xero"), "TOML"),
    ] {
        let (code, shown) = check("wrong.toml", &content);
        assert_eq!(code, 2, "{shown}");
        assert!(shown.contains(&format!("line {brand}")), "{shown}");
        assert!(shown.contains(problem), "{shown}");
        assert!(shown.contains("wrong.toml"), "{shown}");
    }
    let output = run(&["providers", "check", "/no/such/file.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/no/such/file.toml"));
}
