//! The names of the presets, and what each file says about itself.

use std::fs;

use tokenkeeper_presets as presets;
use tokenkeeper_protocol::{Dialect, Pkce};

use crate::{header::Header, support};

#[test]
fn each_file_is_a_preset_with_its_name_as_brand() {
    let files = fs::read_dir(support::path("presets")).unwrap();
    let mut files: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .map(|file| file.strip_suffix(".toml").unwrap().to_owned())
        .collect();
    files.sort();
    assert_eq!(presets::names().collect::<Vec<_>>(), files);
    for name in presets::names() {
        assert_eq!(presets::get(name).unwrap().brand, name);
    }
}

#[test]
fn a_preset_survives_json() {
    for name in presets::names() {
        let dialect = presets::get(name).unwrap();
        let json = serde_json::to_string_pretty(&dialect).unwrap();
        assert_eq!(Dialect::from_json(&json).unwrap(), dialect, "{name}");
    }
}

#[test]
fn no_test_file_is_left_over() {
    for folder in ["golden", "answers"] {
        for file in fs::read_dir(support::path("tests/it").join(folder)).unwrap() {
            let file = file.unwrap().file_name().into_string().unwrap();
            let name = file.strip_suffix(".txt").unwrap();
            assert!(presets::get(name).is_ok(), "{folder}/{file}");
        }
    }
}

#[test]
fn each_preset_names_documents_and_a_check() {
    for name in presets::names() {
        let header = Header::of(name);
        assert!(!header.provider.is_empty(), "{name}");
        assert!(!header.documents.is_empty(), "{name}");
        let day = header.checked.split(',').next().unwrap_or_default();
        let digits = day.split('-').map(str::len).collect::<Vec<_>>();
        assert_eq!(digits, [4, 2, 2], "{name}: `checked: {}`", header.checked);
        for said in header.quirks.iter().chain(&header.inferred) {
            assert!(said.ends_with('.'), "{name}: {said}");
        }
    }
}

#[test]
fn a_preset_says_why_pkce_is_off() {
    for name in presets::names() {
        let header = Header::of(name);
        let said = header.quirks.iter().chain(&header.inferred);
        let is_off = presets::get(name).unwrap().authorization.pkce == Pkce::Off;
        let reasons = said.filter(|said| said.starts_with("PKCE is off: "));
        assert_eq!(reasons.count(), usize::from(is_off), "{name}");
    }
}

#[test]
fn at_least_eighty_providers_have_a_preset() {
    assert!(presets::names().count() >= 80);
    for name in [
        "atlassian",
        "figma",
        "google",
        "notion",
        "quickbooks",
        "salesforce",
        "shopify",
        "slack",
        "tiktok",
        "zoho",
    ] {
        assert!(presets::get(name).is_ok(), "{name}");
    }
}

#[test]
fn an_unknown_name_is_refused_with_similar_names() {
    for (name, says) in [
        ("Xero", "there is no preset `Xero`: did you mean `xero`?"),
        ("jira", "`names` lists the presets"),
        ("slack-user", "did you mean `slack`?"),
        ("", "`names` lists the presets"),
    ] {
        let error = presets::get(name).unwrap_err();
        assert_eq!(error.name(), name);
        assert!(error.to_string().contains(says), "{error}");
    }
}
