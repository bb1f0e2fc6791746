//! The listing of public items, crate by crate: no name changes unnoticed.
//!
//! `TOKENKEEPER_BLESS=1 cargo test listing` rewrites the listing.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Returns whether rustc is the promised one, whose rustdoc writes the format that is read here.
fn is_promised_rust() -> bool {
    let rustc = Command::new("rustc").arg("--version").output().unwrap();
    let version = String::from_utf8(rustc.stdout).unwrap();
    version.starts_with(concat!("rustc ", env!("CARGO_PKG_RUST_VERSION"), "."))
}

/// The library crates of the workspace, as rustdoc names them.
fn libraries(root: &Path) -> Vec<String> {
    let mut names = vec!["tokenkeeper".to_owned()];
    for folder in fs::read_dir(root.join("crates")).unwrap() {
        let folder = folder.unwrap();
        if folder.path().join("src/lib.rs").exists() {
            let name = folder.file_name().into_string().unwrap();
            names.push(format!("tokenkeeper_{}", name.replace('-', "_")));
        }
    }
    names.sort();
    names
}

/// Writes the JSON of every crate, next to the pages that `cargo doc` writes.
fn document(root: &Path) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let status = Command::new(env::var_os("CARGO").unwrap())
        .args([
            "doc",
            "--quiet",
            "--workspace",
            "--no-deps",
            "--all-features",
        ])
        .arg("--target-dir")
        .arg(target)
        .env_remove("CARGO_BUILD_TARGET")
        .current_dir(root)
        .env("RUSTDOC", root.join("scripts/rustdoc-json"))
        .status()
        .unwrap();
    assert!(status.success());
    target.join("doc")
}

#[test]
fn public_items_are_those_of_the_listing() {
    if !is_promised_rust() {
        eprintln!(
            "skipped: the listing is checked with Rust {}",
            env!("CARGO_PKG_RUST_VERSION")
        );
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let documents = document(root);
    let mut changed = Vec::new();
    for name in libraries(root) {
        let api = public_api::Builder::from_rustdoc_json(documents.join(format!("{name}.json")))
            .omit_auto_trait_impls(true)
            .omit_auto_derived_impls(true)
            .omit_blanket_impls(true)
            .build()
            .unwrap();
        let file = root.join(format!("docs/public-api/{name}.txt"));
        if env::var_os("TOKENKEEPER_BLESS").is_some() {
            fs::write(&file, api.to_string()).unwrap();
        } else if fs::read_to_string(&file).unwrap_or_default() != api.to_string() {
            changed.push(name);
        }
    }
    assert!(
        changed.is_empty(),
        "the public items of {changed:?} are not those of docs/public-api: \
         look at what `TOKENKEEPER_BLESS=1 cargo test listing` changes there"
    );
}
