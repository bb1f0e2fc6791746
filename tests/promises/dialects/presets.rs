//! The engine lives with every preset: the emulator plays what its dialect describes.
//!
//! The options follow from the dialect, so this does not show that a preset is right. It shows that
//! engine and protocol can live with each combination of axes that exists.

use std::time::Duration;

use tokenkeeper::{
    presets,
    protocol::{Client, Error, Provider as _, Registration, SitePolicy},
};
use tokenkeeper_emulator::{DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI};

use super::{
    life::{LIFE, SECRET, Story},
    play,
};
use crate::client::BoxError;

/// The site of presets for servers that anyone can run.
pub(super) const SITE: &str = "https://acme.example.com";

#[tokio::test]
async fn every_preset_lives() {
    let mut failed = Vec::new();
    for name in presets::names() {
        if let Err(error) = live(name).await {
            failed.push(format!("{name}: {error}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

async fn live(name: &'static str) -> Result<(), BoxError> {
    let client = client(name)?;
    let dialect = client.dialect();
    let lifetime = dialect.response.lifetime_when_absent;
    let site = (dialect.base.is_none() && dialect.site.is_none()).then_some(SITE);
    let story = Story {
        name,
        base: client.site(site)?.to_string(),
        brings: |_| true,
        access_token_lifetime: Some(lifetime.map_or(LIFE, Duration::from_secs)),
        revokes: dialect.revocation.is_some(),
    };
    let options = play::options(&client)?;
    story.run(options, client, (name, site)).await
}

/// Makes a client of a preset, with all values that it declares.
fn client(name: &str) -> Result<Client, BoxError> {
    let dialect = || presets::get(name);
    let mut registration =
        Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI).secret(SECRET);
    for (name, rules) in &dialect()?.values {
        registration = registration.value(name, play::sample(&rules.pattern));
    }
    let scoped = match dialect()?.scope() {
        Some(_) => registration.clone(),
        None => registration.clone().scope("read write"),
    };
    let client = match dialect()?.with(scoped) {
        // The provider takes no scope.
        Err(Error::Scope { .. }) => dialect()?.with(registration)?,
        other => other?,
    };
    let dialect = client.dialect();
    Ok(match (&dialect.base, &dialect.site) {
        (None, None) => client.sites(SitePolicy::only([SITE])?),
        _ => client,
    })
}
