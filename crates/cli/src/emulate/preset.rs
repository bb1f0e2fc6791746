//! A preset on the emulator: its dialect with the emulator's endpoints, and the emulator's options.

use std::{collections::BTreeMap, time::Duration};

use tokenkeeper::{
    presets,
    protocol::{Dialect, Endpoint, OldAccessToken, Origin, RefreshLifetime, Template},
};
use tokenkeeper_emulator::{Builder, Emulator, PlainOptions, Reuse};

use super::traits::Traits;
use crate::BoxError;

/// Providers whose refresh token stays, and is in no answer to a refresh.
const OMIT_REFRESH_TOKEN: [&str; 9] = [
    "asana",
    "aws-cognito",
    "clio",
    "dropbox",
    "figma",
    "google",
    "paypal",
    "salesforce",
    "spotify",
];

/// Providers that answer a refresh with the same refresh token.
const REPEAT_REFRESH_TOKEN: [&str; 2] = ["amazon", "hubspot"];

/// Providers whose access token does not expire and comes without a refresh token.
const EXPIRE_NOTHING: [&str; 10] = [
    "attio",
    "bitly",
    "clickup",
    "eventbrite",
    "intercom",
    "mastodon",
    "monday",
    "vimeo",
    "webflow",
    "wordpress",
];

/// A time after which no emulator runs.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The path of refreshes, where they have their own.
const REFRESH: &str = "/refresh";

/// Returns the emulator of a preset's provider.
pub(super) fn emulator(name: &str, client_id: &str) -> Result<Builder<PlainOptions>, BoxError> {
    let dialect = presets::get(name)?;
    let traits = Traits {
        dialect: &dialect,
        client_id,
    };
    let options = traits.requests(PlainOptions::default());
    let options = traits.refusals(traits.answers(options));
    let mut options = rotation(name, &dialect, traits.revocation(traits.api(options))?);
    if dialect.token.refresh_endpoint.is_some() {
        options = options.refresh_path(REFRESH);
    }
    if dialect.authorization.issuer.is_some() {
        options = options.issuer();
    }
    let mut emulator = Emulator::plain();
    if let Some(life) = dialect.response.default_lifetime() {
        emulator = emulator.access_token_lifetime(life);
    }
    if EXPIRE_NOTHING.contains(&name) {
        // No request has this parameter.
        options = options
            .omit_expires_in()
            .offline_parameter("offline", "never");
        emulator = emulator.access_token_lifetime(FOR_EVER);
    }
    if let RefreshLifetime::Fixed(life) = dialect.refresh.lifetime {
        emulator = emulator.refresh_token_lifetime(Some(life));
    }
    Ok(emulator.options(options))
}

/// Adds what a refresh does to the tokens.
fn rotation(name: &str, dialect: &Dialect, mut options: PlainOptions) -> PlainOptions {
    let rules = &dialect.refresh;
    if OMIT_REFRESH_TOKEN.contains(&name) {
        options = options.omit_refresh_token();
    }
    if REPEAT_REFRESH_TOKEN.contains(&name) {
        options = options.refresh_token_stays();
    }
    if let Some(grace) = rules.grace_seconds {
        options = options.reuse(Reuse::FreshPair(Duration::from_secs(grace)));
    }
    if rules.old_access_token == OldAccessToken::Invalidated {
        options = options.access_token_dies_at_refresh();
    }
    match rules.not_before {
        Some(left) => options.refresh_not_before(Duration::from_secs(left)),
        None => options,
    }
}

/// Returns the dialect of a preset with the endpoints of its emulator.
pub(super) fn dialect(name: &str, client_id: &str, base: &str) -> Result<Dialect, BoxError> {
    let original = presets::get(name)?;
    let traits = Traits {
        dialect: &original,
        client_id,
    };
    let mut dialect = original.clone();
    dialect.base = Some(Origin::parse(base)?);
    dialect.site = None;
    dialect.api_origins.clear();
    dialect.api_origins_from.clear();
    let at = |path: &str| Endpoint::Path(path.to_owned());
    dialect.authorization.endpoint = at("/authorize");
    // An emulator is no application in the browser, which reads its fragment.
    dialect.authorization.fragment = None;
    if let Some(issuer) = &mut dialect.authorization.issuer {
        *issuer = base.to_owned();
    }
    dialect.token.endpoint = at("/token");
    if let Some(endpoint) = &mut dialect.token.refresh_endpoint {
        *endpoint = at(REFRESH);
    }
    if let Some(rules) = &mut dialect.device {
        rules.endpoint = at("/device_authorization");
    }
    if let Some(rules) = &mut dialect.revocation {
        rules.endpoint = at("/revoke");
    }
    if let Some(rules) = &mut dialect.introspection {
        rules.endpoint = at("/introspect");
    }
    let token = &mut dialect.token;
    let maps = [
        &mut dialect.api_headers,
        &mut dialect.authorization.fixed,
        &mut token.fixed,
        &mut token.code_fixed,
        &mut token.refresh_fixed,
        &mut token.headers,
    ];
    let of_device = dialect.device.as_mut().map(|rules| &mut rules.fixed);
    for map in maps.into_iter().chain(of_device) {
        fill(map, &traits)?;
    }
    dialect.values.clear();
    Ok(dialect)
}

fn fill(map: &mut BTreeMap<String, Template>, traits: &Traits<'_>) -> Result<(), BoxError> {
    for template in map.values_mut() {
        *template = Template::parse(&traits.fill(template))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_has_an_emulator_and_a_dialect_for_it() {
        for name in presets::names() {
            let base = "http://127.0.0.1:4711";
            let emulator = emulator(name, "client");
            drop(emulator.unwrap_or_else(|error| panic!("{name}: {error}")));
            let dialect = dialect(name, "client", base).unwrap();
            let text = toml::to_string(&dialect).unwrap();
            let mut endpoints = text.lines().filter(|line| line.contains("endpoint = "));
            assert!(endpoints.all(|line| line.contains("\"/")), "{name}: {text}");
            let read = Dialect::from_toml(&text);
            let read = read.unwrap_or_else(|error| panic!("{name}: {error}: {text}"));
            assert_eq!(read, dialect, "{name}");
        }
    }

    #[test]
    fn what_a_refresh_brings_is_what_the_presets_say() {
        let omit = [
            "An answer to a refresh has no refresh token",
            "An answer to a refresh may have no refresh token",
            "an answer to a refresh has none",
        ];
        let repeat = [
            "names the same refresh token again",
            "the refresh token stays the same",
        ];
        let nothing = ["does not expire and comes without a refresh token"];
        for name in presets::names() {
            let text = presets::text(name).unwrap();
            let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
            assert_eq!(OMIT_REFRESH_TOKEN.contains(&name), says(&omit), "{name}");
            assert_eq!(
                REPEAT_REFRESH_TOKEN.contains(&name),
                says(&repeat),
                "{name}"
            );
            assert_eq!(EXPIRE_NOTHING.contains(&name), says(&nothing), "{name}");
        }
    }
}
