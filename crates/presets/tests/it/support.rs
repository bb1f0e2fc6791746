//! What several tests need: the files of this crate, and a client for each preset.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tokenkeeper_presets as presets;
use tokenkeeper_protocol::{Client, Error, Registration, SitePolicy, conformance::Subject};

use crate::cases::Cases;

/// Returns the path of a file of this crate.
pub fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// Returns the text of a file of this crate.
pub fn read(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Makes a client of a preset, with the values that its cases name.
///
/// It requests two scopes, which show the separator, unless the preset has scopes already or the
/// provider takes none.
pub fn client(name: &str, cases: &Cases) -> Client {
    let mut registration =
        Registration::new("my-client", "https://app.example/cb").secret("s3cr3t-9Hd2");
    for (name, value) in &cases.values {
        registration = registration.value(name, value);
    }
    let dialect = || presets::get(name).unwrap();
    let scoped = match dialect().scope() {
        None => registration.clone().scope("read write"),
        Some(_) => registration.clone(),
    };
    let client = match dialect().with(scoped) {
        Err(Error::Scope { .. }) => dialect().with(registration),
        other => other,
    };
    let client = client.unwrap_or_else(|error| panic!("{name}: {error}"));
    let dialect = client.dialect();
    match &cases.site {
        Some(site) if dialect.base.is_none() && dialect.site.is_none() => {
            client.sites(SitePolicy::only([site]).unwrap())
        }
        _ => client,
    }
}

/// Makes the subject of the conformance suite.
pub fn subject(name: &str) -> Subject {
    let cases = Cases::of(name);
    let subject = Subject::new(client(name, &cases));
    match cases.site {
        Some(site) => subject.at(site),
        None => subject,
    }
}
