//! The table in `docs/providers.md`.
//!
//! `TOKENKEEPER_BLESS=1 cargo test -p tokenkeeper-presets page` rewrites it.

use std::{env, fs};

use tokenkeeper_presets as presets;

use crate::{header::Header, support};

const PAGE: &str = "../../docs/providers.md";
const BEGIN: &str = "<!-- The presets, from here on written by a test. -->\n";
const END: &str = "<!-- Up to here. -->\n";

#[test]
fn the_page_lists_the_presets_as_they_are() {
    let page = support::read(PAGE);
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (list, after) = rest.split_once(END).unwrap();
    let expected: String = presets::names().map(entry).collect();
    if env::var_os("TOKENKEEPER_BLESS").is_some() {
        let page = format!("{before}{BEGIN}{expected}{END}{after}");
        fs::write(support::path(PAGE), page).unwrap();
    } else {
        assert_eq!(list, expected);
    }
}

#[test]
fn the_page_states_the_number_of_presets() {
    let said = format!("{} presets", presets::names().count());
    assert!(support::read(PAGE).contains(&said), "not `{said}`");
}

/// Writes the part of the page about one preset.
fn entry(name: &str) -> String {
    let header = Header::of(name);
    let mut text = format!("\n### `{name}`: {}\n\n", header.provider);
    for document in &header.documents {
        text += &format!("<{document}>\n");
    }
    text += &format!("Checked {}.\n\n", header.checked);
    let dialect = presets::get(name).unwrap();
    if let Some(site) = &dialect.site {
        text += &format!("- Site: `{site}`.\n");
    } else if dialect.base.is_none() {
        text += "- Site: any that the application's `SitePolicy` allows.\n";
    }
    for (value, rules) in &dialect.values {
        let default = rules.default.as_ref();
        let default = default.map_or_else(String::new, |d| format!(", `{d}` by default"));
        text += &format!("- Value `{value}`{default}.\n");
    }
    if let Some(scope) = dialect.scope() {
        text += &format!("- Scope unless the registration names one: `{scope}`.\n");
    }
    for quirk in &header.quirks {
        text += &format!("- {quirk}\n");
    }
    for inferred in &header.inferred {
        text += &format!("- Inferred: {inferred}\n");
    }
    text
}
