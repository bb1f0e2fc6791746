//! The presets, side by side in one engine.

use tokenkeeper::{
    Accounts, AccountsBuilder, MemoryStore, presets,
    protocol::{Client, Registration, SitePolicy, Template, ValuePattern},
};

use crate::setup::transport;

/// An engine with a client for each preset.
fn accounts() -> Accounts {
    let builder = Accounts::builder(MemoryStore::new()).transport(transport());
    let clients = presets::names().map(client);
    let builder = clients.fold(builder, AccountsBuilder::provider);
    builder.build().unwrap()
}

/// A client of a preset, with a text for each value that only the application knows.
fn client(name: &str) -> Client {
    let dialect = presets::get(name).unwrap();
    let site = dialect.site.as_ref().map_or("", Template::as_str);
    let mut registration = Registration::new("id", "https://app.example/cb").secret("s3cr3t");
    for (value, rules) in &dialect.values {
        if rules.default.is_none() && !site.contains(&format!("{{{value}}}")) {
            let text = match &rules.pattern {
                ValuePattern::OneOf(texts) => texts[0].as_str(),
                _ => "main",
            };
            registration = registration.value(value, text);
        }
    }
    let client = dialect.with(registration).unwrap();
    client.sites(SitePolicy::predicate(|_| true).send_secret_to_every_allowed_site())
}

#[tokio::test]
async fn every_preset_with_one_site_starts_a_login() {
    let accounts = accounts();
    let mut with_one_site = 0;
    for name in presets::names() {
        if let Ok(account) = accounts.account(name, "user-42") {
            let login = account.connect().unwrap();
            assert_eq!(login.url.scheme(), "https", "{name}");
            with_one_site += 1;
        }
    }
    assert!(with_one_site > 100, "{with_one_site}");
}

#[tokio::test]
async fn a_site_is_a_name_or_a_url() {
    let accounts = accounts();
    for (name, site, url) in [
        ("zendesk", "acme", "https://acme.zendesk.com/oauth/"),
        (
            "zendesk",
            "https://acme.zendesk.com",
            "https://acme.zendesk.com/oauth/",
        ),
        (
            "netsuite",
            "1234567-SB1",
            "https://1234567-sb1.app.netsuite.com/",
        ),
        ("zoho", "zoho.eu", "https://accounts.zoho.eu/oauth/"),
        (
            "salesforce",
            "acme.my",
            "https://acme.my.salesforce.com/services/",
        ),
        (
            "keycloak",
            "login.example.com",
            "https://login.example.com/realms/main/",
        ),
    ] {
        let account = accounts.account_at(name, site, "user-42").unwrap();
        let login = account.connect().unwrap();
        assert!(login.url.as_str().starts_with(url), "{}", login.url);
    }
    let elsewhere = accounts.account_at("zendesk", "https://zendesk.example", "user-42");
    assert!(elsewhere.is_err());
}
