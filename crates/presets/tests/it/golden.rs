//! The requests of each preset, byte by byte.
//!
//! `TOKENKEEPER_BLESS=1 cargo test -p tokenkeeper-presets golden` rewrites the files.

use std::{env, fs};

use tokenkeeper_presets as presets;
use tokenkeeper_protocol::{LoginData, Provider, conformance::transcript};

use crate::{cases::Cases, support};

#[test]
fn requests_match_the_golden_files() {
    let bless = env::var_os("TOKENKEEPER_BLESS").is_some();
    let mut wrong = Vec::new();
    for name in presets::names() {
        let file = format!("tests/it/golden/{name}.txt");
        let sent = sent(name);
        if bless {
            fs::write(support::path(&file), sent).unwrap();
        } else if support::read(&file) != sent {
            wrong.push(format!("{file} differs from what is sent:\n{sent}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Writes out what a preset sends, and where its tokens may go.
fn sent(name: &str) -> String {
    let subject = support::subject(name);
    let site = subject.provider().site(Cases::of(name).site.as_deref());
    let origins = subject
        .provider()
        .api_origins(&site.unwrap(), &LoginData::default());
    let origins: Vec<_> = origins.iter().map(|origin| format!("{origin}\n")).collect();
    format!(
        "{}\n# API origins\n{}",
        transcript(&subject).unwrap(),
        origins.concat()
    )
}
